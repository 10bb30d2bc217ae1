import type { DataSource, EntityManager } from 'typeorm';
import { prepared } from '../prepared';
import type { JsonText } from '../json';
import { jsonArray } from '../json-array';
import { BELL_GRACE_SECONDS, type Bell } from '../outbox/bell';
import { summaryOf } from '../chat/asked';
import type { Job } from './job.entity';
import { KICK_SECONDS } from './kick-overdue';

/** A request as the gateway accepts it. */
export interface NewJob {
  /** UUIDv7. */
  id: string;
  project: string;
  payload: JsonText;
  metadata: Record<string, string>;
  /** 0 to 9. */
  priority: number;
  actor: string;
  /** Told when the job has ended. */
  callbackUrl: string | null;
  /** JSON Schema that an edited response must satisfy; null: any. */
  responseSchema: JsonText | null;
  /** The parameters of a request that its door translates into the payload; null: absent: the payload is the request. */
  askedFor?: JsonText | null;
  /** The headers of a request of Anthropic's Messages API that its provider gets; null, absent: it came by another door. */
  anthropicHeaders?: Record<string, string> | null;
  /** Submitting again under this key makes no second job. */
  idempotency: { key: string; requestHash: Buffer } | null;
}

export interface Submitted {
  createdAt: Date;
  bell: Bell;
}

/** The job as {@link submit} has stored it. */
export function submittedJob(job: NewJob, createdAt: Date): Job {
  const { payload } = job;
  return {
    id: job.id,
    project: job.project,
    status: 'bot',
    payload,
    response: null,
    edited: false,
    revision: 0,
    attempts: 0,
    roundAttempts: 0,
    priority: job.priority,
    metadata: job.metadata,
    usage: null,
    callbackUrl: job.callbackUrl,
    idempotencyKey: job.idempotency?.key ?? null,
    requestHash: job.idempotency?.requestHash ?? null,
    feedback: [],
    feedbackOn: [],
    regenerationFailed: null,
    originalPayload: null,
    responseViolations: null,
    failureReason: null,
    failureDetail: null,
    modelFailure: null,
    leaseToken: null,
    leaseUntil: null,
    nextKickAt: null,
    kicks: 0,
    submitter: job.actor,
    model: summaryOf(payload).model,
    responseSchema: job.responseSchema,
    askedFor: job.askedFor ?? null,
    anthropicHeaders: job.anthropicHeaders ?? null,
    modelResponse: null,
    regenerations: 0,
    waitingSince: null,
    plannedAt: null,
    rule: null,
    policyHash: null,
    approvals: 1,
    fourEyes: false,
    group: '',
    approvedBy: [],
    rejectedBy: [],
    remindAt: null,
    escalateAt: null,
    escalateTo: null,
    escalatedAt: null,
    deadlineAt: null,
    onDeadline: null,
    deadlineGraceSeconds: 900,
    atWorkUntil: null,
    claimedBy: null,
    claimedAt: null,
    claimedUntil: null,
    claimId: null,
    heldDecision: null,
    heldUntil: null,
    client: null,
    nextStepAt: null,
    createdAt,
    updatedAt: createdAt,
    finishedAt: null,
    erasedAt: null,
  };
}

/** — → bot. Answers in the order of the jobs; null where a job with the same idempotency key, or the same id, is there already. */
export async function submit(
  database: DataSource | EntityManager,
  jobs: NewJob[],
): Promise<(Submitted | null)[]> {
  const summaries = jobs.map(({ payload }) => summaryOf(payload));
  const rows: { id: string; createdAt: Date; bellId: string }[] = await database.query(
    prepared(
      'submit',
      `WITH input AS (
       SELECT * FROM unnest($1::uuid[], $2::json[], $3::jsonb[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::json[], $11::json[], $12::text[], $13::text[], $14::jsonb[])
         AS t (id, payload, metadata, priority, actor, project, callback_url, idempotency_key, request_hash, response_schema, asked_for, model, asked, anthropic_headers)
     ), job AS (
       INSERT INTO jobs (id, status, payload, metadata, priority, project, callback_url, idempotency_key, request_hash, response_schema, asked_for, model, asked, submitter,
                         anthropic_headers, next_kick_at)
       SELECT id, 'bot', payload, metadata, priority, project, callback_url, idempotency_key, request_hash, response_schema, asked_for, model, asked, actor,
              anthropic_headers, now() + ${KICK_SECONDS} * interval '1 second'
       FROM input
       ON CONFLICT DO NOTHING
       RETURNING id, created_at
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor)
       SELECT id, 'submitted', 'bot', 0, actor FROM input JOIN job USING (id)
     ), bell AS (
       INSERT INTO outbox (pattern, job_id, due_at)
       SELECT 'inference.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job
       RETURNING id, job_id
     )
     SELECT job.id, job.created_at AS "createdAt", bell.id AS "bellId" FROM job JOIN bell ON bell.job_id = job.id`,
    ),
    [
      jobs.map((job) => job.id),
      jsonArray(jobs.map((job) => job.payload)),
      jobs.map((job) => JSON.stringify(job.metadata)),
      jobs.map((job) => job.priority),
      jobs.map((job) => job.actor),
      jobs.map((job) => job.project),
      jobs.map((job) => job.callbackUrl),
      jobs.map((job) => job.idempotency?.key ?? null),
      jobs.map((job) => job.idempotency?.requestHash ?? null),
      jsonArray(jobs.map((job) => job.responseSchema)),
      jsonArray(jobs.map((job) => job.askedFor ?? null)),
      summaries.map(({ model }) => model),
      summaries.map(({ asked }) => asked),
      jobs.map(({ anthropicHeaders: headers }) => (headers ? JSON.stringify(headers) : null)),
    ],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return jobs.map((job) => {
    const row = byId.get(job.id);
    if (!row) return null;
    return {
      createdAt: row.createdAt,
      bell: { id: row.bellId, pattern: 'inference.requested', jobId: job.id },
    };
  });
}
