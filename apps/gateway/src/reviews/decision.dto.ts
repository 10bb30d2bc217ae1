import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  DomainError,
  VERDICTS,
  type DecisionRequest,
  type FieldFault,
  type JsonText,
  type Verdict,
} from '@hitl/domain';
import type { Asked } from './reviews.service';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, Min } from 'class-validator';
import { v7 as uuidv7 } from 'uuid';
import { isGiven, textOrNull } from '../http/json-body';
import { ApiJson } from '../openapi/any-json';

/** Longest feedback, reason, message and note, in characters. */
export const MAX_TEXT_LENGTH = 10_000;
/** Longest code of a reason. */
const MAX_CODE_LENGTH = 100;
/** Longest time that a decision may ask to be held, in milliseconds. */
const MAX_UNDO_MS = 600_000;
/** The largest integer that the database keeps. */
export const MAX_REVISION = 2_147_483_647;

const text = (description: string, maxLength = MAX_TEXT_LENGTH) =>
  ({ description, type: String, minLength: 1, maxLength, nullable: true }) as const;

export class DecisionDto {
  @ApiPropertyOptional({
    description: 'An id of your own for the decision: deciding again with the same one decides nothing more.',
    type: String,
    format: 'uuid',
    nullable: true,
  })
  @IsOptional()
  @IsUUID()
  id?: string | null;

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
  response?: JsonText | null;

  @ApiJson({ description: 'With regenerate: the request to send instead; null is none.', required: false })
  @IsOptional()
  payload?: JsonText | null;

  @ApiPropertyOptional(text('With regenerate: what the model should do differently.'))
  @IsOptional()
  @IsString()
  @Length(1, MAX_TEXT_LENGTH)
  feedback?: string | null;

  @ApiPropertyOptional(text('Why, for reviewers and auditors; the submitter never reads it.'))
  @IsOptional()
  @IsString()
  @Length(1, MAX_TEXT_LENGTH)
  reason?: string | null;

  @ApiPropertyOptional({
    ...text("Why, as one of the project's reasons: see GET /v1/policies/current.", MAX_CODE_LENGTH),
    example: 'incorrect',
  })
  @IsOptional()
  @IsString()
  @Length(1, MAX_CODE_LENGTH)
  reason_code?: string | null;

  @ApiPropertyOptional(text('With reject: what the submitter may read; it becomes failure.detail.'))
  @IsOptional()
  @IsString()
  @Length(1, MAX_TEXT_LENGTH)
  submitter_message?: string | null;

  @ApiPropertyOptional({
    description:
      'For how long it can be undone, in milliseconds; nothing is delivered before. Never shorter than DECISION_UNDO_MS.',
    type: 'integer',
    minimum: 0,
    maximum: MAX_UNDO_MS,
    nullable: true,
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_UNDO_MS)
  undo_ms?: number | null;
}

/** What the review service is asked for. @throws DomainError `invalid_request` */
export function toRequest(
  jobId: string,
  revision: number | null,
  body: DecisionDto,
  pointer = '',
): Asked<DecisionRequest> {
  requireFittingFields(body, pointer);
  return {
    id: body.id?.toLowerCase() ?? uuidv7(),
    jobId,
    verdict: body.verdict,
    revision,
    response: textOrNull(body.response),
    payload: textOrNull(body.payload),
    feedback: body.feedback ?? null,
    reason: body.reason ?? null,
    reasonCode: body.reason_code ?? null,
    submitterMessage: body.submitter_message ?? null,
    ...(body.undo_ms && { undoMs: body.undo_ms }),
  };
}

/** The fields that belong to each verdict, besides the reason. */
const FIELDS = {
  approve: [],
  edit: ['response'],
  reject: ['reason_code', 'submitter_message'],
  regenerate: ['payload', 'feedback', 'reason_code'],
} as const satisfies Record<Verdict, readonly (keyof DecisionDto)[]>;

/** The names of the schemas that {@link decisionSchemas} makes, by verdict. */
const SCHEMA_OF = {
  approve: 'Approve',
  edit: 'Edit',
  reject: 'Reject',
  regenerate: 'Regenerate',
} as const satisfies Record<Verdict, string>;

/**
 * Describes the decisions of `DecisionDto` and `BulkDecision` as one of four, told apart by their verdict, with the
 * fields that belong to it: generated code of an edit without a response does not compile.
 * @param schemas the schemas of both classes, as OpenAPI 3.0 has them
 */
export function decisionSchemas(schemas: Record<string, Record<string, unknown>>): Record<string, object> {
  const made: Record<string, object> = {
    // A union of every kind of JSON would be closer, but generators make wrappers of it, which answers must be put into.
    NonNullJson: { description: 'Any JSON but null.', not: { type: 'null' } },
  };
  for (const [name, suffix] of [
    ['DecisionDto', 'Decision'],
    ['BulkDecision', 'BulkDecision'],
  ] as const) {
    const { properties, required } = schemas[name] as {
      properties: Record<string, object>;
      required: string[];
    };
    const mapping: Record<string, string> = {};
    for (const verdict of VERDICTS) {
      const fields: readonly string[] = FIELDS[verdict];
      const foreign: readonly string[] = SPECIAL_FIELDS.filter((field) => !fields.includes(field));
      const own: Record<string, object> = {
        ...Object.fromEntries(Object.entries(properties).filter(([field]) => !foreign.includes(field))),
        verdict: { type: 'string', enum: [verdict] },
      };
      if (verdict === 'edit') {
        own.response = { $ref: '#/components/schemas/NonNullJson', description: 'The answer to deliver.' };
      }
      const schema = {
        type: 'object',
        properties: own,
        required: [...required, ...(verdict === 'edit' ? ['response'] : [])],
      };
      made[SCHEMA_OF[verdict] + suffix] = schema;
      mapping[verdict] = `#/components/schemas/${SCHEMA_OF[verdict]}${suffix}`;
    }
    made[name] = {
      oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
      discriminator: { propertyName: 'verdict', mapping },
    };
  }
  return made;
}

const SPECIAL_FIELDS = ['response', 'payload', 'feedback', 'reason_code', 'submitter_message'] as const;

/** Refuses fields that do not belong to the verdict, so that nothing which a reviewer sends is silently dropped. */
function requireFittingFields(decision: DecisionDto, at: string): void {
  const faults: FieldFault[] = [];
  const allowed: readonly string[] = FIELDS[decision.verdict];
  for (const field of SPECIAL_FIELDS) {
    if (isGiven(decision[field]) && !allowed.includes(field)) {
      faults.push({ pointer: `${at}/${field}`, detail: `does not go with the verdict ${decision.verdict}` });
    }
  }
  if (decision.verdict === 'edit' && !isGiven(decision.response)) {
    faults.push({
      pointer: `${at}/response`,
      detail: 'an edit needs the response to deliver, and null is none',
    });
  }
  if (faults.length > 0) {
    throw new DomainError(
      'invalid_request',
      `${faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('. ')}.`,
      faults,
    );
  }
}
