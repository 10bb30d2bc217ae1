import type { ClientProxy } from '@nestjs/microservices';

/** What a broker says of one queue. */
export interface QueueState {
  /** Messages that nobody has taken yet. */
  messages: number;
  consumers: number;
}

/** The state of the queue that carries a pattern; undefined where the broker does not answer. */
export async function queueState(
  client: ClientProxy & { queueState?(pattern: string): Promise<QueueState | undefined> },
  pattern: string,
): Promise<QueueState | undefined> {
  return client.queueState?.(pattern);
}
