import {
  describeTrouble,
  DomainError,
  ERRORS,
  isDatabaseTrouble,
  isJsonObject,
  type FieldFault,
} from '@hitl/domain';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { QUEUES, type MessageClass, type QueueKey } from './topology';

/** A message as Nest writes it. `id` is set when the sender waits for a reply. */
export interface Envelope {
  pattern: string;
  data: object;
  id?: string;
}

/** The message can never be handled, however often it comes. */
export class PoisonError extends Error {
  override name = 'PoisonError';
}

/**
 * Checks a message against the queue it came from.
 * @throws PoisonError naming the fault, without the message's content
 */
export function openEnvelope(queue: QueueKey, text: string): Envelope {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    throw new PoisonError('not JSON');
  }
  if (!isJsonObject(envelope)) throw new PoisonError('not a JSON object');
  const { pattern, data, id } = envelope;
  if (typeof pattern !== 'string') throw new PoisonError('no pattern');
  const messages: readonly MessageClass[] = QUEUES[queue].messages;
  const message = messages.find((candidate) => candidate.pattern === pattern);
  if (!message) throw new PoisonError(`a pattern that does not belong to ${QUEUES[queue].name}`);
  if (!isJsonObject(data)) throw new PoisonError(`${pattern} without data`);
  // As a field, such a name would hide the class from the validator.
  if (Object.keys(data).some((key) => key in Object.prototype)) {
    throw new PoisonError(`${pattern} with a field that is no message's`);
  }
  // Only the fields' own shapes are checked; the JSON inside a field is left alone.
  const instance = Object.assign(plainToInstance(message, {}), data);
  // A message may have no fields at all.
  const faults = validateSync(instance, { forbidUnknownValues: false });
  if (faults.length > 0) {
    throw new PoisonError(`${pattern} with unusable ${faults.map((fault) => fault.property).join(', ')}`);
  }
  return { pattern, data: instance, ...(typeof id === 'string' && { id }) };
}

/** How an error travels in a reply. */
export interface ReplyError {
  code: string;
  detail: string;
  faults?: FieldFault[];
}

/** What the asker may know of an error: refusals as they are, anything else without its inside. */
export function toReplyError(error: unknown): ReplyError {
  if (error instanceof DomainError) {
    const { code, message: detail, faults } = error;
    return { code, detail, ...(faults.length > 0 && { faults }) };
  }
  if (isDatabaseTrouble(error)) {
    return {
      code: 'unavailable',
      detail: `${describeTrouble(error)} The command may or may not have taken effect: look at the job, then try again.`,
    };
  }
  return { code: 'internal_error', detail: 'The review service failed. See its log.' };
}

/** The error that a reply stands for. */
export function fromReplyError(error: unknown): Error {
  if (isJsonObject(error) && typeof error.code === 'string' && typeof error.detail === 'string') {
    const { code, detail, faults } = error;
    if (Object.hasOwn(ERRORS, code)) {
      return new DomainError(
        code as keyof typeof ERRORS,
        detail,
        Array.isArray(faults) ? (faults as unknown[]).filter(isFault) : [],
      );
    }
  }
  return error instanceof Error ? error : new Error('unreadable reply');
}

function isFault(value: unknown): value is FieldFault {
  return isJsonObject(value) && typeof value.pointer === 'string' && typeof value.detail === 'string';
}
