import { DomainError, type ErrorCode, type Job } from '@hitl/domain';
import { publicLink } from '../http/public-link';
import type { Ending } from '../waiting/waiting-room.service';

/**
 * A held request ends without an answer. Its job is there, so asking again would make a second one; the status is 403
 * where it can be, since that is what no client repeats by itself.
 */
export class Withheld extends DomainError {
  constructor(
    code: ErrorCode,
    detail: string,
    readonly jobId: string,
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
        'review_rejected',
        detail === '' ? 'A reviewer has rejected the answer.' : detail,
        job.id,
      );
    case 'cancelled':
      return new Withheld('job_cancelled', `The job was ${detail === '' ? 'cancelled' : detail}.`, job.id);
    case 'expired':
      return new Withheld('job_expired', 'Nobody decided in time.', job.id);
    case 'inference_failed':
    case null:
      return new Withheld(
        'inference_failed',
        detail === '' ? 'The model brought no answer.' : detail,
        job.id,
      );
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
