import { DomainError, type ErrorCode, type Job, type JobStatus } from '@hitl/domain';
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
    /** Seconds after which the same request should be sent again, since it gets the same job; null: it should not. */
    readonly retryAfter: number | null = null,
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

/** Seconds after which another gateway, or this one once it is back, takes a client that was sent home. */
const RETRY_AFTER_STOP = 10;
/** The same for a client whose time has run out: at once, as SDKs understand it. */
const RETRY_AFTER_PENDING = 1;

/**
 * Why a wait ended without the job's end. Where the same request gets the same job, by its key or because it is identical,
 * the client is invited to send it again: so SDKs wait longer by themselves.
 */
export function unfinished(
  ending: Exclude<Ending, object>,
  jobId: string,
  { status, hasKey, joinMs }: { status: JobStatus | undefined; hasKey: boolean; joinMs: number },
): Withheld {
  const mayAskAgain = hasKey || joinMs > 0;
  const again = hasKey
    ? ', or ask again with the same Idempotency-Key'
    : mayAskAgain
      ? `, or send the same request again within ${Math.ceil(joinMs / 60_000)} min: it gets this job`
      : '';
  const goesOn = `The job goes on: read it at /v1/jobs/${jobId}${again}.`;
  if (ending === 'shutdown' && mayAskAgain) {
    return new Withheld('unavailable', `This gateway stops. ${goesOn}`, jobId, RETRY_AFTER_STOP);
  }
  const missing = status === 'bot' ? 'The model has not answered yet.' : 'No human has decided yet.';
  return new Withheld(
    'review_pending',
    `${missing} ${goesOn}`,
    jobId,
    mayAskAgain ? RETRY_AFTER_PENDING : null,
  );
}
