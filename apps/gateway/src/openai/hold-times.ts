import type { FastifyRequest } from 'fastify';
import { retryCountOf } from './held-requests.service';

/** Time that a reply needs to reach a client before it gives up, in milliseconds. */
const MARGIN_MS = 1000;
/** Retries that OpenAI's SDKs make unless they are configured otherwise. */
const DEFAULT_RETRIES = 2;
/** A line that was cut after a smaller part of HOLD_BEAT_MS was left by a person, not cut by a timer. */
const MIN_TIMER = 1 / 12;
/** How much of the time after which a line was cut passes before it is kept alive. */
const OF_A_TIMER = 0.8;

/** When a held request must get its reply, and when it must be kept alive; both in milliseconds since it came. */
export interface HoldTimes {
  /** Its client gives up soon after; null: it does not say. */
  replyAfter: number | null;
  /** White space keeps it from being cut from then on, once a human is all that is missing; null: never. */
  beatAfter: number | null;
}

/**
 * How long a held client waits. OpenAI's SDKs say in `x-stainless-read-timeout` (Python) and `x-stainless-timeout`
 * (JavaScript, where the call itself sets it), in seconds, how long they wait for a byte.
 * @param cutAfterMs how soon the line to the same client was cut before; null: it was not
 * @param beatMs HOLD_BEAT_MS
 */
export function holdTimesOf(request: FastifyRequest, cutAfterMs: number | null, beatMs: number): HoldTimes {
  const seconds = secondsOf(
    request.headers['x-stainless-read-timeout'] ?? request.headers['x-stainless-timeout'],
  );
  const replyAfter = seconds === null ? null : Math.max(seconds * 500, seconds * 1000 - MARGIN_MS);
  if (beatMs === 0) return { replyAfter, beatAfter: null };
  const timers = [beatMs];
  // Something unknown on the way cut this connection before: the next one must not be silent for so long.
  if (cutAfterMs !== null && cutAfterMs >= beatMs * MIN_TIMER) timers.push(cutAfterMs * OF_A_TIMER);
  // It asks more often than usual, so it is set to wait; nobody knows which try is its last.
  if (replyAfter !== null && retryCountOf(request) > DEFAULT_RETRIES) timers.push(replyAfter);
  return { replyAfter, beatAfter: Math.min(...timers) };
}

function secondsOf(header: string | string[] | undefined): number | null {
  const seconds = typeof header === 'string' ? Number(header) : NaN;
  return seconds > 0 && seconds <= 86_400 ? seconds : null;
}
