import { UNIONS, type DecisionRequest, type FieldFault, type JsonText, type Verdict } from '@hitl/domain';
import { type Asked } from './reviews.service';
import { v7 as uuidv7 } from 'uuid';
import { bodyRefused } from '../http/faults';
import { isGiven, textOrNull } from '../http/json-body';
import { EnumField, IntegerField, JsonField, TextField, UuidField } from '../http/fields';

/** Longest feedback, reason, message and note, in characters. */
export const MAX_TEXT_LENGTH = 10_000;
/** Longest code of a reason. */
const MAX_CODE_LENGTH = 100;
/** Longest time that a decision may ask to be held, in milliseconds. */
const MAX_UNDO_MS = 600_000;
/** The largest integer that the database keeps. */
export const MAX_REVISION = 2_147_483_647;

/** A text that need not be there. */
const OptionalText = (description: string, options?: { max?: number; example?: string }): PropertyDecorator =>
  TextField({ description, min: 1, max: MAX_TEXT_LENGTH, optional: true, nullable: true, ...options });

export class DecisionDto {
  @UuidField({
    description: 'An id of your own for the decision: deciding again with the same one decides nothing more.',
    optional: true,
    nullable: true,
  })
  id?: string | null;

  @EnumField('Verdict', {
    description:
      'approve: deliver the response. edit: deliver the given response instead. reject: deliver nothing. regenerate: ask the model again.',
  })
  verdict: Verdict;

  @JsonField({ description: 'With edit: the response to deliver, any JSON but null.', optional: true })
  response?: JsonText | null;

  @JsonField({ description: 'With regenerate: the request to send instead; null is none.', optional: true })
  payload?: JsonText | null;

  @OptionalText('With regenerate: what the model should do differently.')
  feedback?: string | null;

  @OptionalText('Why, for reviewers and auditors; the submitter never reads it.')
  reason?: string | null;

  @OptionalText("Why, as one of the project's reasons: see GET /v1/policies/current.", {
    max: MAX_CODE_LENGTH,
    example: 'incorrect',
  })
  reason_code?: string | null;

  @OptionalText('With reject: what the submitter may read; it becomes failure.detail.')
  submitter_message?: string | null;

  @IntegerField({
    description:
      'For how long it can be undone, in milliseconds; nothing is delivered before. Never shorter than DECISION_UNDO_MS.',
    min: 0,
    max: MAX_UNDO_MS,
    optional: true,
    nullable: true,
  })
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

/**
 * Describes the decisions of `DecisionDto` and `BulkDecision` as one of four, distinguished by their verdict, with the
 * fields that belong to it: generated code of an edit without a response does not compile.
 * @param schemas the schemas of both classes, as OpenAPI 3.0 has them
 */
export function decisionSchemas(schemas: Record<string, Record<string, unknown>>): Record<string, object> {
  const made: Record<string, object> = {
    // A union of every kind of JSON would be closer, but generators make wrappers of it, which responses must be put into.
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
    for (const verdict of UNIONS.Verdict) {
      const fields: readonly string[] = FIELDS[verdict];
      const foreign: readonly string[] = SPECIAL_FIELDS.filter((field) => !fields.includes(field));
      const own: Record<string, object> = {
        ...Object.fromEntries(Object.entries(properties).filter(([field]) => !foreign.includes(field))),
        verdict: { type: 'string', enum: [verdict] },
      };
      if (verdict === 'edit') {
        own.response = { $ref: '#/components/schemas/NonNullJson', description: 'The response to deliver.' };
      }
      const schema = {
        type: 'object',
        properties: own,
        required: [...required, ...(verdict === 'edit' ? ['response'] : [])],
      };
      const schemaName = verdict.charAt(0).toUpperCase() + verdict.slice(1) + suffix;
      made[schemaName] = schema;
      mapping[verdict] = `#/components/schemas/${schemaName}`;
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
  if (faults.length > 0) throw bodyRefused(faults);
}
