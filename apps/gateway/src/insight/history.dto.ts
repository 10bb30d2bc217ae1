import { ApiProperty } from '@nestjs/swagger';
import {
  JsonText,
  type Decision,
  type History,
  type HistoryEvent,
  type Job,
  type JobEventType,
  type JobStatus,
  type Json,
  type Output,
  type Verdict,
} from '@hitl/domain';
import {
  BooleanField,
  EnumField,
  IntegerField,
  JsonField,
  NumberField,
  TextField,
  TimeField,
  UuidField,
} from '../http/fields';
import { ListField } from '../http/list-fields';

class OutputDto {
  @IntegerField()
  revision: number;

  @IntegerField({ nullable: true, description: 'The earlier revision that it is again; null: it was new.' })
  restored_revision: number | null;

  @TextField({ description: 'worker: the model. Otherwise the person who wrote it.' })
  by: string;

  @TimeField()
  at: string;

  @JsonField({ description: 'The response; null where it is withheld.' })
  response: JsonText | null;

  @BooleanField({ description: 'Whether this reader may not see it: nobody has approved it.' })
  withheld: boolean;

  @TextField({ nullable: true, description: 'SHA-256 of the response, in hex; null where it is withheld' })
  response_hash: string | null;

  @JsonField({
    description: 'JSON Patch (RFC 6902) from {"response": the model\'s response}; null for the model\'s own.',
  })
  patch: JsonText | null;

  @TextField({ nullable: true, description: "Unified diff against the model's response." })
  text_diff: string | null;
}

class HistoryDecision {
  @UuidField()
  id: string;

  @IntegerField({ description: 'The revision that was judged' })
  revision: number;

  @EnumField('Verdict')
  verdict: Verdict;

  @TextField()
  actor: string;

  @BooleanField({ description: 'false: one of several votes, or for the record only' })
  final: boolean;

  @BooleanField({ description: 'Whether the policy decided' })
  automatic: boolean;

  @BooleanField({ description: 'Only for the record: what the policy would have decided' })
  shadow: boolean;

  @TextField({ nullable: true })
  rule: string | null;

  @TextField({ nullable: true })
  policy_hash: string | null;

  @TextField({ nullable: true })
  reason_code: string | null;

  @TextField({ nullable: true })
  reason: string | null;

  @TextField({ nullable: true })
  submitter_message: string | null;

  @TextField({ nullable: true })
  feedback: string | null;

  @NumberField({ nullable: true, description: 'The share of the text that changed' })
  edit_distance: number | null;

  @TimeField()
  at: string;
}

class HistoryEventDto {
  @TextField({ description: 'What findings of a verification name it by' })
  id: string;

  @EnumField('JobEventType')
  type: JobEventType;

  @EnumField('JobStatus')
  status: JobStatus;

  @IntegerField()
  revision: number;

  @TextField()
  actor: string;

  @TimeField()
  at: string;

  @TextField({ nullable: true })
  policy_hash: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  data: Record<string, Json> | null;
}

export class HistoryDto {
  @UuidField()
  job_id: string;

  @EnumField('JobStatus')
  status: JobStatus;

  @TextField()
  submitter: string;

  @ListField(OutputDto, { description: 'Every response there was, oldest first' })
  outputs: OutputDto[];

  @ListField(HistoryDecision, { description: 'Every verdict, oldest first' })
  decisions: HistoryDecision[];

  @ListField(HistoryEventDto, { description: 'Everything that happened, oldest first: the newest 500' })
  events: HistoryEventDto[];

  @BooleanField({ description: 'Whether there were more events than are shown' })
  truncated: boolean;
}

/** Who reads: `reviewer` sees everything; `submitter` only what was approved, and of the rest only that it happened. */
export type Audience = 'reviewer' | 'submitter';

/** What submitters may read of an event: nothing else that an event says, now or later. */
const PUBLIC_DATA = [
  'decision_id',
  'verdict',
  'judged_revision',
  'submitter_message',
  'restored_revision',
  'until',
];
/** What submitters may see: nothing else that happens, now or later. */
const PUBLIC_EVENTS: readonly JobEventType[] = [
  'submitted',
  'attempt_failed',
  'inferred',
  'planned',
  'claimed',
  'released',
  'edited',
  'restored',
  'held',
  'undone',
  'voted',
  'decided',
  'regenerated',
  'regeneration_failed',
  'retried',
  'reminded',
  'escalated',
  'expired',
  'failed',
  'cancelled',
  'erased',
];

export function toHistory(job: Job, history: History, audience: Audience): HistoryDto {
  const isReviewer = audience === 'reviewer';
  const seen = visibleRevisions(history, audience);
  return {
    job_id: job.id,
    status: job.status,
    submitter: job.submitter,
    outputs: history.outputs.map((output) => toOutput(output, history, seen, audience)),
    decisions: history.decisions
      .filter(({ shadow }) => isReviewer || !shadow)
      .map((decision) => toDecision(decision, audience)),
    events: history.events
      .filter(({ type }) => isReviewer || PUBLIC_EVENTS.includes(type))
      .map((event) => toEvent(event, audience, seen)),
    truncated: history.truncated,
  };
}

/** The revisions whose responses this reader may see: all, or those that were delivered. */
function visibleRevisions({ outputs, decisions }: History, audience: Audience): Set<number> {
  return new Set(
    audience === 'reviewer'
      ? outputs.map(({ revision }) => revision)
      : decisions.flatMap(({ releasedRevision }) => releasedRevision ?? []),
  );
}

function toOutput(
  { revision, event, response }: Output,
  { outputs, decisions }: History,
  seen: Set<number>,
  audience: Audience,
): OutputDto {
  const withheld = !seen.has(revision);
  const made = decisions.find(({ id }) => id === event.data?.decision_id);
  // A change shows the model's response, too.
  const models = outputs.findLast(
    (output) => output.event.type === 'inferred' && output.revision <= revision,
  );
  const showChange = audience === 'reviewer' && models !== undefined;
  const restored = event.data?.restored_revision;
  return {
    revision,
    restored_revision: typeof restored === 'number' ? restored : null,
    by: event.actor,
    at: event.createdAt.toISOString(),
    response: withheld ? null : response,
    withheld,
    response_hash: withheld ? null : textOf(event.data?.response_hash),
    patch: showChange ? (made?.patch ?? patchOf(event)) : null,
    text_diff: showChange ? (made?.textDiff ?? textOf(event.data?.text_diff)) : null,
  };
}

function toDecision(decision: Decision, audience: Audience): HistoryDecision {
  const internal = audience === 'reviewer';
  return {
    id: decision.id,
    revision: decision.revision,
    verdict: decision.verdict,
    actor: decision.actor,
    final: decision.final,
    automatic: decision.automatic,
    shadow: decision.shadow,
    rule: decision.rule,
    policy_hash: decision.policyHash,
    reason_code: internal ? decision.reasonCode : null,
    reason: internal ? decision.reason : null,
    submitter_message: decision.submitterMessage,
    feedback: internal ? decision.feedback : null,
    edit_distance: internal ? decision.editDistance : null,
    at: decision.createdAt.toISOString(),
  };
}

function toEvent(event: HistoryEvent, audience: Audience, seen: Set<number>): HistoryEventDto {
  // Short responses can be guessed from their hash.
  const shown = seen.has(event.revision) ? [...PUBLIC_DATA, 'response_hash'] : PUBLIC_DATA;
  const isShown = (name: string): boolean =>
    audience === 'reviewer' ? name !== 'patch' && name !== 'text_diff' : shown.includes(name);
  const data = event.data && Object.fromEntries(Object.entries(event.data).filter(([name]) => isShown(name)));
  return {
    id: event.id,
    type: event.type,
    status: event.status,
    revision: event.revision,
    actor: event.actor,
    at: event.createdAt.toISOString(),
    policy_hash: event.policyHash,
    data,
  };
}

/** What an edit without a verdict has changed: kept with its event, as JSON text. */
function patchOf({ data }: HistoryEvent): JsonText | null {
  const patch = textOf(data?.patch);
  return patch === null ? null : new JsonText(patch);
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
