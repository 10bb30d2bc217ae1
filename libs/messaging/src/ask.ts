import type { ClientProxy } from '@nestjs/microservices';
import { DomainError } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import { firstValueFrom, timeout, TimeoutError } from 'rxjs';
import { fromReplyError } from './envelope';
import { queueState } from './queue-state';
import { QUEUES, queueOf } from './topology';

/** How long one request waits for its reply, in milliseconds; the request leaves its queue after the same time. */
export const REPLY_TIMEOUT_MS = 4000;

/**
 * How long a command may take effect after its sender has looked at the clock, in milliseconds: a little shorter than
 * {@link ask} waits, so that none takes effect once its sender has been told that nobody answers.
 */
export const COMMAND_LIFETIME_MS = 2 * REPLY_TIMEOUT_MS - 500;

/**
 * Sends a command and waits for its reply; asks a second time when no reply came, so commands must be idempotent.
 * @param tries 1: it is not asked again, since the work may be what takes so long, but waited for as long as for two
 * @throws DomainError the refusal as it was answered, or `unavailable` when nobody answered
 */
export async function ask<T>(
  client: ClientProxy,
  pattern: string,
  data: object,
  tries: 1 | 2 = 2,
): Promise<T> {
  const waitMs = (2 * REPLY_TIMEOUT_MS) / tries;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await firstValueFrom(client.send<T>(pattern, data).pipe(timeout(waitMs)));
    } catch (error) {
      const refusal = fromReplyError(error);
      // Of a command that was sent before, a broker that is away by now says nothing.
      const fromHere = refusal === error;
      if (refusal instanceof DomainError && !(fromHere && attempt === 2)) throw refusal;
      if (attempt === tries || !(error instanceof TimeoutError)) {
        const unconsumed = (await queueState(client, pattern))?.consumers === 0;
        metrics.commandsUnanswered.inc({ why: unconsumed ? 'unconsumed' : 'late' });
        const reason = unconsumed
          ? `Nobody consumes ${QUEUES[queueOf(pattern)].name}: no review service is connected to the message broker.`
          : 'No review service replied in time.';
        throw new DomainError(
          'unavailable',
          `${reason} The command may or may not have taken effect, and none does later than ${(2 * REPLY_TIMEOUT_MS) / 1000} s after it was sent: look at the job, then try again.`,
        );
      }
    }
  }
}
