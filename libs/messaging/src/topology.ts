import type { ConfirmChannel } from 'amqplib';
import { InferenceRequested, JobChanged, ReviewRequested, ReviewViewed } from './messages/events';
import { DryRunPolicy, ReadPolicy } from './messages/policy-commands';
import {
  ClaimNextReview,
  ClaimReview,
  DecideReview,
  EditReview,
  NoteReview,
  ReadDesk,
  ReleaseReview,
  RestoreRevision,
  UndoDecision,
} from './messages/review-commands';
import type { QueueState } from './queue-state';

interface QueueDefinition {
  name: string;
  messages: readonly MessageClass[];
  fanOut?: true;
}

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
  reviewCommands: {
    name: 'hitl.review.commands',
    messages: [
      DecideReview,
      EditReview,
      RestoreRevision,
      ClaimNextReview,
      ClaimReview,
      ReleaseReview,
      UndoDecision,
      NoteReview,
      ReadDesk,
      ReadPolicy,
      DryRunPolicy,
    ],
  },
  /** News for every gateway, named after its first. Transient: a fan-out exchange, from which every consumer has a queue of its own for as long as it is connected. */
  jobChanges: { name: 'hitl.job.changed', messages: [JobChanged, ReviewViewed], fanOut: true },
  /** Messages that nobody can handle, for an operator to look at. */
  parked: { name: 'hitl.parked', messages: [] },
} as const satisfies Record<string, QueueDefinition>;

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

/** Whether a queue stands for a fan-out exchange. */
export function isFanOut(key: QueueKey): boolean {
  return (QUEUES[key] as QueueDefinition).fanOut === true;
}

/** Declares every queue; run on each new connection, so that a wiped broker is whole again. Returns their states. */
export async function assertTopology(channel: ConfirmChannel): Promise<Map<QueueKey, QueueState>> {
  const states = new Map<QueueKey, QueueState>();
  for (const key of Object.keys(QUEUES) as QueueKey[]) {
    if (isFanOut(key)) await channel.assertExchange(QUEUES[key].name, 'fanout', { durable: true });
    else states.set(key, await assertQueue(channel, key));
  }
  return states;
}

/** Declares a queue; returns its state. */
export async function assertQueue(channel: ConfirmChannel, key: QueueKey): Promise<QueueState> {
  const { messageCount, consumerCount } = await channel.assertQueue(QUEUES[key].name, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum' },
  });
  return { messages: messageCount, consumers: consumerCount };
}
