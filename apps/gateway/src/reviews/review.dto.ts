import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { DomainError, VERDICTS, type FieldFault, type Json, type Verdict } from '@hitl/domain';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { ApiJson } from '../openapi/any-json';

/** Longest feedback and reason, in characters. */
const LONGEST_TEXT = 10_000;

export class DecisionDto {
  @ApiProperty({
    enum: VERDICTS,
    enumName: 'Verdict',
    description:
      'approve: deliver the answer. edit: deliver response instead. reject: deliver nothing. regenerate: ask the model again.',
  })
  @IsIn(VERDICTS)
  verdict: Verdict;

  @ApiJson({ description: 'With edit: the answer to deliver, any JSON but null.', required: false })
  @IsOptional()
  response?: Json;

  @ApiJson({ description: 'With regenerate: the request to send instead; null is none.', required: false })
  @IsOptional()
  payload?: Json;

  @ApiPropertyOptional({
    description: 'With regenerate: what the model should do differently.',
    type: String,
    maxLength: LONGEST_TEXT,
    nullable: true,
  })
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_TEXT)
  feedback?: string | null;

  @ApiPropertyOptional({ description: 'Why.', type: String, maxLength: LONGEST_TEXT, nullable: true })
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_TEXT)
  reason?: string | null;
}

/** The fields that belong to each verdict, besides the reason. */
const FIELDS = {
  approve: [],
  edit: ['response'],
  reject: [],
  regenerate: ['payload', 'feedback'],
} as const satisfies Record<Verdict, readonly (keyof DecisionDto)[]>;

/**
 * Refuses fields that do not belong to the verdict, so that nothing which a reviewer sends is silently dropped.
 * @throws DomainError `invalid_request`
 */
export function requireFittingFields(decision: DecisionDto): void {
  const faults: FieldFault[] = [];
  const allowed: readonly string[] = FIELDS[decision.verdict];
  for (const field of ['response', 'payload', 'feedback'] as const) {
    const given = decision[field] !== undefined && decision[field] !== null;
    if (given && !allowed.includes(field)) {
      faults.push({ pointer: `/${field}`, detail: `does not go with the verdict ${decision.verdict}` });
    }
  }
  if (decision.verdict === 'edit' && (decision.response === undefined || decision.response === null)) {
    faults.push({ pointer: '/response', detail: 'an edit needs the response to deliver, and null is none' });
  }
  if (faults.length > 0) {
    throw new DomainError(
      'invalid_request',
      `${faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('. ')}.`,
      faults,
    );
  }
}
