import { randomUUID } from 'node:crypto';
import type { DecisionRequest, Inferred, JobStatus, JobStore, Json, Lease, NewJob } from '@hitl/domain';
import { v7 as uuidv7 } from 'uuid';

/** A job as the gateway would accept it. */
export function aJob(fields: Partial<NewJob> = {}): NewJob {
  return {
    id: uuidv7(),
    project: 'default',
    payload: { input: 'What is 2 + 2?' },
    metadata: {},
    priority: 0,
    actor: 'submitter',
    callbackUrl: null,
    idempotency: null,
    ...fields,
  };
}

/** An approval of whatever is current. */
export function aDecision(jobId: string, fields: Partial<DecisionRequest> = {}): DecisionRequest {
  return {
    id: randomUUID(),
    jobId,
    verdict: 'approve',
    actor: 'reviewer',
    revision: null,
    response: null,
    payload: null,
    feedback: null,
    reason: null,
    ...fields,
  };
}

/** The answer that {@link jobIn} gives. */
export const AN_ANSWER = { answer: 4 };

/** The outcome of an attempt that brought an answer. */
export function anAnswer(lease: Lease, response: Json = AN_ANSWER): Inferred {
  return { ...lease, response, provider: 'stub', usage: null };
}

/** Submits a job and claims it for a minute. */
export async function claimedJob(store: JobStore, fields: Partial<NewJob> = {}): Promise<Lease> {
  const job = aJob(fields);
  await store.submit(job);
  const lease = { jobId: job.id, token: randomUUID() };
  if (!(await store.claim({ ...lease, leaseMs: 60_000, maxAttempts: 5 }))) throw new Error('not claimed');
  return lease;
}

/** A job that came to a status on the usual way: nobody holds it in `bot`, an approval or a rejection ended it. */
export async function jobIn(
  store: JobStore,
  status: JobStatus,
  fields: Partial<NewJob> = {},
): Promise<string> {
  if (status === 'bot') {
    const job = aJob(fields);
    await store.submit(job);
    return job.id;
  }
  const lease = await claimedJob(store, fields);
  await store.complete(anAnswer(lease));
  if (status !== 'human') {
    await store.decide(aDecision(lease.jobId, { verdict: status === 'success' ? 'approve' : 'reject' }));
  }
  return lease.jobId;
}
