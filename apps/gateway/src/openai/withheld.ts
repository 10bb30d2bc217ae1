import {
  DomainError,
  ERRORS,
  type ErrorCode,
  type Job,
  type JobStatus,
  type ModelFailure,
} from '@hitl/domain';
import { publicLink } from '../http/public-link';
import type { Ending } from '../waiting/waiting-room.service';

/**
 * A held request ends without a response. Its job is there, so asking again would make a second one. What has ended for
 * good is 422: clients repeat 5xx, 429 and 409, some 403, which others take for a wrong key; none repeats 422.
 */
export class Withheld extends DomainError {
  constructor(
    code: ErrorCode,
    detail: string,
    readonly jobId: string,
    /** What the model's provider said. */
    readonly failure: ModelFailure | null = null,
    /** Seconds after which the same request should be sent again, since it gets the same job; null: it should not. */
    readonly retryAfter: number | null = null,
  ) {
    super(code, detail);
    // A reviewer's or a model's own words.
    this.message = detail;
  }

  /** 503 invites clients to ask again, which 422 does not: there it would make a second job. */
  get status(): number {
    return this.code === 'review_pending' && this.retryAfter === null ? 422 : ERRORS[this.code].status;
  }
}

/** Whether a job has a response for its submitter. */
export function isReleased({ status, erasedAt }: Job): boolean {
  return status === 'success' && erasedAt === null;
}

/** @throws Withheld content_erased */
export function requireContents<T extends Job | null>(job: T): T {
  if (job?.erasedAt) throw erased(job);
  return job;
}

function erased({ id, erasedAt }: Job): Withheld {
  const at = erasedAt?.toISOString() ?? '';
  return new Withheld(
    'content_erased',
    `What job ${id} was about was erased at ${at}. Send a new request.`,
    id,
  );
}

/** The error of a job without a response for the client that was held for it. */
export function failureOf(job: Job): Withheld {
  if (job.erasedAt !== null) return erased(job);
  const detail = job.failureDetail ?? '';
  switch (job.failureReason) {
    case 'rejected':
      return new Withheld(
        'answer_rejected',
        detail === '' ? 'A reviewer has rejected the response.' : detail,
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
    failureDetail === null || failureDetail === '' ? 'The model returned no response.' : failureDetail;
  if (modelFailure && refusesOurKey(modelFailure, detail)) {
    const detail = `The model's provider refuses this server's credentials (${modelFailure.status}). Its operator must correct them.`;
    return new Withheld('inference_failed', detail, id);
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
  if (ending === 'lost') {
    const detail = `The database has no job ${jobId} any more: it was lost with the last moments before a failover or a restore. Send the request again: it makes a new job.`;
    return new Withheld('job_not_found', detail, jobId, null, RETRY_AFTER_PENDING);
  }
  const mayAskAgain = hasKey || joinMs > 0;
  const again = hasKey
    ? ', or ask again with the same Idempotency-Key'
    : mayAskAgain
      ? `, or send the same request again within ${Math.ceil(joinMs / 60_000)} min: it gets this job`
      : '';
  const goesOn = `The job goes on: read it at ${publicLink(`/v1/jobs/${jobId}`)}${again}.`;
  if (ending === 'shutdown' && mayAskAgain) {
    return new Withheld('unavailable', `This gateway stops. ${goesOn}`, jobId, null, RETRY_AFTER_STOP);
  }
  const missing = status === 'bot' ? 'The model has not responded yet.' : 'No human has decided yet.';
  return new Withheld(
    'review_pending',
    `${missing} ${goesOn}`,
    jobId,
    null,
    mayAskAgain ? RETRY_AFTER_PENDING : null,
  );
}
