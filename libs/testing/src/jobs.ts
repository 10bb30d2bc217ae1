import { randomUUID } from 'node:crypto';
import {
  JsonText,
  type DeskEdit,
  type DeskRules,
  type Inferred,
  type JobStatus,
  DeskReader,
  DeskStore,
  JobStore,
  type Json,
  type Judgement,
  type Lease,
  type NewJob,
  type PlanRequest,
  type ReviewClaim,
  type Scope,
} from '@hitl/domain';
import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';

/** Contents as tests write them: values, or the very texts. */
type Values<T, Name extends keyof T> = Omit<Partial<T>, Name> & { [name in Name]?: Json | JsonText };
export type JobFields = Values<NewJob, 'payload' | 'responseSchema' | 'askedFor'>;
export type JudgementFields = Values<Judgement, 'response' | 'payload'>;

const textOf = (value: Json | JsonText): JsonText =>
  value instanceof JsonText ? value : new JsonText(JSON.stringify(value));
const textOrNull = (value: Json | JsonText | undefined): JsonText | null =>
  value === undefined || value === null ? null : textOf(value);

/** The project that tests work in, where they name no other. */
export const SCOPE: Scope = { project: 'default' };

/** The writers of jobs and of the desk, and the desk's reader, on one database. */
export interface Stores {
  jobs: JobStore;
  desk: DeskStore;
  deskReader: DeskReader;
}

export function storesOn(database: DataSource): Stores {
  return {
    jobs: new JobStore(database),
    desk: new DeskStore(database),
    deskReader: new DeskReader(database),
  };
}

/** A job as the gateway would accept it. */
export function aJob({ payload, responseSchema, askedFor, ...fields }: JobFields = {}): NewJob {
  return {
    id: uuidv7(),
    ...SCOPE,
    payload: textOf(payload === undefined ? { input: 'What is 2 + 2?' } : payload),
    metadata: {},
    priority: 0,
    actor: 'submitter',
    callbackUrl: null,
    responseSchema: textOrNull(responseSchema),
    askedFor: textOrNull(askedFor),
    idempotency: null,
    ...fields,
  };
}

/** The desk's rules where there is no policy. */
export const NO_POLICY: DeskRules = { groups: [], requirePlan: false, fourEyes: false, maxRegenerations: 10 };

/** An approval of whatever is current. */
export function aDecision(jobId: string, { response, payload, ...fields }: JudgementFields = {}): Judgement {
  return {
    id: randomUUID(),
    jobId,
    ...SCOPE,
    verdict: 'approve',
    actor: 'reviewer',
    revision: null,
    response: textOrNull(response)?.text ?? null,
    payload: textOrNull(payload)?.text ?? null,
    feedback: null,
    reason: null,
    reasonCode: null,
    submitterMessage: null,
    requestHash: '00',
    change: null,
    desk: NO_POLICY,
    policy: null,
    ...fields,
  };
}

/** A change of whatever is current, without a verdict. */
export function anEdit(
  jobId: string,
  { response = 'edited', payload, ...fields }: Values<DeskEdit, 'response' | 'payload'> = {},
): DeskEdit {
  return {
    jobId,
    ...SCOPE,
    actor: 'rob',
    revision: null,
    response: textOrNull(response)?.text ?? null,
    payload: textOrNull(payload)?.text ?? null,
    change: null,
    desk: NO_POLICY,
    ...fields,
  };
}

/** The plan of a policy that wants one person, for the first answer. */
export function aPlan(jobId: string, fields: Partial<PlanRequest> = {}): PlanRequest {
  return {
    jobId,
    revision: 1,
    policyHash: 'p1',
    rule: 'a rule',
    approvals: 1,
    fourEyes: false,
    group: null,
    remindAfterMs: null,
    escalateAfterMs: null,
    escalateTo: null,
    deadlineMs: null,
    onDeadline: 'fail',
    deadlineGraceMs: 900_000,
    because: null,
    shadow: null,
    ...fields,
  };
}

/** A reviewer's wish for a job for a minute. */
export function aClaim(fields: Partial<ReviewClaim> = {}): ReviewClaim {
  return { id: randomUUID(), ...SCOPE, actor: 'reviewer', leaseMs: 60_000, desk: NO_POLICY, ...fields };
}

/** The answer that {@link jobIn} gives. */
export const AN_ANSWER = { answer: 4 };

/** The outcome of an attempt that brought an answer. */
export function anAnswer(lease: Lease, response: Json | JsonText = AN_ANSWER): Inferred {
  return { ...lease, response: textOf(response), provider: 'stub', usage: null };
}

/** Submits a job and claims it for a minute. */
export async function claimedJob(store: JobStore, fields: JobFields = {}): Promise<Lease> {
  const job = aJob(fields);
  await store.submit(job);
  const lease = { jobId: job.id, token: randomUUID() };
  if (!(await store.claim({ ...lease, leaseMs: 60_000, maxAttempts: 5 }))) throw new Error('not claimed');
  return lease;
}

/** A job that came to a status on the usual way: nobody holds it in `bot`, an approval or a rejection ended it. */
export async function jobIn(
  { jobs, desk }: Pick<Stores, 'jobs' | 'desk'>,
  status: JobStatus,
  fields: JobFields = {},
): Promise<string> {
  if (status === 'bot') {
    const job = aJob(fields);
    await jobs.submit(job);
    return job.id;
  }
  const lease = await claimedJob(jobs, fields);
  await jobs.complete(anAnswer(lease));
  if (status !== 'human') {
    await desk.decide(
      aDecision(lease.jobId, {
        verdict: status === 'success' ? 'approve' : 'reject',
        ...(fields.project !== undefined && { project: fields.project }),
      }),
    );
  }
  return lease.jobId;
}

/** Lets up to `limit` held decisions take effect that are due; answers those that did something. */
export async function settleHeld(
  desk: DeskStore,
  limit: number,
): Promise<{ jobId: string; status: JobStatus; revision: number; undone: boolean }[]> {
  const due = await desk.dueHeld(limit);
  const settled = await Promise.all(due.map((jobId) => desk.settle(jobId)));
  return due.flatMap((jobId, index) => {
    const one = settled[index];
    return one ? [{ jobId, ...one }] : [];
  });
}
