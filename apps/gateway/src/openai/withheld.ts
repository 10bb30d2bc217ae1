import { DomainError, type ErrorCode, type Job, type ModelFailure } from '@hitl/domain';
import { publicLink } from '../http/public-link';
import type { Ending } from '../waiting/waiting-room.service';

/**
 * A held request ends without an answer. Its job is there, so asking again would make a second one. What has ended for
 * good is 422: clients repeat 5xx, 429 and 409, some 403, which others take for a wrong key; none repeats 422.
 */
export class Withheld extends DomainError {
  constructor(
    code: ErrorCode,
    detail: string,
    readonly jobId: string,
    /** What the model's provider said. */
    readonly failure: ModelFailure | null = null,
  ) {
    super(code, detail);
  }
}

/** How a failed job is told to the client that was held for it. */
export function failureOf(job: Job): Withheld {
  const detail = job.failureDetail ?? '';
  switch (job.failureReason) {
    case 'rejected':
      return new Withheld(
        'answer_rejected',
        detail === '' ? 'A reviewer has rejected the answer.' : detail,
        job.id,
      );
    case 'cancelled':
      return new Withheld('job_cancelled', `The job was ${detail === '' ? 'cancelled' : detail}.`, job.id);
    case 'expired':
      return new Withheld('review_expired', 'Nobody decided in time.', job.id);
    case 'inference_failed':
    case null:
      return modelFault(job);
  }
}

/** A provider that refuses our key must not look as if the client's own was wrong. */
function modelFault({ id, failureDetail, modelFailure }: Job): Withheld {
  const detail =
    failureDetail === null || failureDetail === '' ? 'The model brought no answer.' : failureDetail;
  if (modelFailure && refusesOurKey(modelFailure, detail)) {
    const told = `The model's provider refuses this server's credentials (${modelFailure.status}). Whoever runs this server must mend them.`;
    return new Withheld('inference_failed', told, id);
  }
  return new Withheld('inference_failed', detail, id, modelFailure);
}

/** Whether a provider has refused the key that this server calls it with. Some say so with 400. */
function refusesOurKey(failure: ModelFailure, detail: string): boolean {
  switch (failure.status) {
    case 401:
      return true;
    case 403:
      return /auth|key|token/i.test(`${failure.code} ${failure.type}`);
    case 400:
      return /\b(?:incorrect|invalid|wrong|missing) api[ _-]?key\b/i.test(`${failure.code} ${detail}`);
    default:
      return false;
  }
}

/**
 * Why a wait ended without the job's end. When the gateway stops, a client with an idempotency key may ask another
 * gateway at once.
 */
export function unfinished(
  ending: Exclude<Ending, object>,
  jobId: string,
  hasIdempotencyKey: boolean,
): Withheld {
  if (ending === 'shutdown' && hasIdempotencyKey) {
    return new Withheld(
      'unavailable',
      'This gateway stops, and the job goes on: ask again with the same key.',
      jobId,
    );
  }
  return new Withheld(
    'review_pending',
    `No human has decided yet. The job goes on: read it at ${publicLink(`/v1/jobs/${jobId}`)}, or ask again with the same Idempotency-Key.`,
    jobId,
  );
}
