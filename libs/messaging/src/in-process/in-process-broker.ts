import type { QueueState } from '../queue-state';
import { QUEUES, type QueueKey } from '../topology';

/** A message as it would travel: text, so that both transports carry the same things. */
export interface InProcessMessage {
  text: string;
  /** Set when the sender waits for a reply. */
  reply?: (reply: object) => void;
}

/** Messages that one queue holds at most; more are refused, and stay in the outbox. */
const MAX_QUEUE_LENGTH = 10_000;

/** The queues of a process that is its own broker. What they hold is gone with the process; the outbox rings again. */
export class InProcessBroker {
  readonly #queues = new Map<QueueKey, InProcessMessage[]>(
    (Object.keys(QUEUES) as QueueKey[]).map((key) => [key, []]),
  );
  readonly #consumers = new Map<QueueKey, () => void>();

  /** @throws Error when the queue is full */
  put(queue: QueueKey, message: InProcessMessage): void {
    const messages = this.#messages(queue);
    if (messages.length >= MAX_QUEUE_LENGTH) throw new Error(`${QUEUES[queue].name} is full`);
    messages.push(message);
    this.#consumers.get(queue)?.();
  }

  /** Takes a message back that its consumer could not handle yet, before all others and even into a full queue. */
  putBack(queue: QueueKey, message: InProcessMessage): void {
    this.#messages(queue).unshift(message);
  }

  take(queue: QueueKey): InProcessMessage | undefined {
    return this.#messages(queue).shift();
  }

  /** `onMessage` is called whenever there may be something to take. */
  consume(queue: QueueKey, onMessage: () => void): void {
    this.#consumers.set(queue, onMessage);
    onMessage();
  }

  stop(queue: QueueKey): void {
    this.#consumers.delete(queue);
  }

  state(queue: QueueKey): QueueState {
    return { messages: this.#messages(queue).length, consumers: this.#consumers.has(queue) ? 1 : 0 };
  }

  #messages(queue: QueueKey): InProcessMessage[] {
    return this.#queues.get(queue) as InProcessMessage[];
  }
}
