import type { ConfirmChannel } from 'amqplib';
import { DecideReview, EditReview, InferenceRequested, ReviewRequested } from './messages';

export interface MessageClass {
  readonly pattern: string;
  new (): object;
}

/**
 * The broker's queues and the messages that each carries. Everything is declared here and nowhere else. A queue's
 * arguments can never change again, so the type is the only one; limits and dead-lettering are policies.
 */
export const QUEUES = {
  inference: { name: 'hitl.inference', messages: [InferenceRequested] },
  review: { name: 'hitl.review', messages: [ReviewRequested] },
  reviewCommands: { name: 'hitl.review.commands', messages: [DecideReview, EditReview] },
  /** Messages that nobody can handle, for an operator to look at. */
  parked: { name: 'hitl.parked', messages: [] },
} as const satisfies Record<string, { name: string; messages: readonly MessageClass[] }>;

export type QueueKey = keyof typeof QUEUES;

const QUEUE_BY_PATTERN = new Map<string, QueueKey>(
  (Object.keys(QUEUES) as QueueKey[]).flatMap((key) =>
    QUEUES[key].messages.map((message: MessageClass) => [message.pattern, key] as const),
  ),
);

/** The queue that carries a pattern. @throws Error for a pattern that is in no queue */
export function queueOf(pattern: string): QueueKey {
  const key = QUEUE_BY_PATTERN.get(pattern);
  if (!key) throw new Error(`no queue carries '${pattern}': add it to QUEUES`);
  return key;
}

/** Declares every queue; run on each new connection, so that a wiped broker is whole again. */
export async function assertTopology(channel: ConfirmChannel): Promise<void> {
  for (const { name } of Object.values(QUEUES)) {
    await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  }
}
