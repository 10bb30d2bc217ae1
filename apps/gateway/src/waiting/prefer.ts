import { DomainError } from '@hitl/domain';
import { quote } from '@hitl/shapes';

/** Longest wait that a client may prefer, in seconds. */
const MAX_WAIT = 540;

/**
 * The seconds of `Prefer: wait=N` (RFC 7240), 540 at most; null without it. Other preferences are passed over, as the
 * RFC has it.
 * @throws DomainError invalid_request when N is no whole number
 */
export function preferredWait(prefer: string | string[] | undefined): number | null {
  const text = Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '');
  const wait = text
    .split(/[,;]/)
    .map((preference) => preference.trim())
    .find((preference) => /^wait\s*=/i.test(preference));
  if (wait === undefined) return null;
  const seconds = /^wait\s*=\s*"?(\d{1,9})"?$/i.exec(wait)?.[1];
  if (seconds === undefined) {
    const detail = `${quote(wait)} does not name whole seconds, such as wait=30`;
    throw new DomainError('invalid_request', `Prefer: ${detail}.`, [{ pointer: 'Prefer', detail }]);
  }
  return Math.min(Number(seconds), MAX_WAIT);
}
