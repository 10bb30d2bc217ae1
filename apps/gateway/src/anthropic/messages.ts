import { DomainError, isJsonObject, type Job, type JsonText } from '@hitl/domain';
import type { FastifyRequest } from 'fastify';
import type { JsonObject } from '../openai/chat';
import { failureOf } from '../openai/withheld';

/** The headers of a request that its provider gets, with what each may be. */
const HEADERS: Record<string, { pattern: RegExp; is: string }> = {
  'anthropic-version': { pattern: /^[\w.-]{1,64}$/, is: 'a version such as 2023-06-01' },
  'anthropic-beta': {
    pattern: /^[\w.:-]{1,128}(?: *, *[\w.:-]{1,128}){0,31}$/,
    is: 'up to 32 names of betas, separated by commas',
  },
};

/**
 * The headers of a request of the Messages API that its provider gets.
 * @throws DomainError invalid_request naming the header
 */
export function anthropicHeadersOf({ headers }: Pick<FastifyRequest, 'headers'>): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const [name, { pattern, is }] of Object.entries(HEADERS)) {
    const value = headers[name];
    if (value === undefined || value === '') continue;
    if (typeof value !== 'string' || !pattern.test(value)) {
      throw new DomainError('invalid_request', `${name}: must be ${is}.`, [
        { pointer: name, detail: `must be ${is}` },
      ]);
    }
    sent[name] = value;
  }
  return sent;
}

/** An approved response as a message: as it is written where it is one; a reviewer may have made a text of it. */
export function toMessage(job: Job): JsonText | JsonObject {
  const { response } = job;
  if (response !== null && isMessage(response.value)) return response;
  const value = response?.isText === true ? response.value : null;
  const text = typeof value === 'string' ? value : response === null || response.isNull ? '' : response.text;
  return messageOf(job, text, { stop_reason: 'end_turn', stop_sequence: null });
}

/** The same, to make other JSON of: numbers keep their spelling. */
export function toExactMessage(job: Job): JsonObject {
  const { response } = job;
  const exact = response !== null && isMessage(response.value) ? response.exact : toMessage(job);
  return exact as JsonObject;
}

/**
 * A rejection as clients of the Messages API understand it: a message that declines, with what the reviewer wrote to the
 * submitter. No client repeats the request, as some do after an error. Null for a job that ended in another way.
 */
export function toRejection(job: Job): JsonObject | null {
  return job.failureReason === 'rejected' ? toRefusal(job, failureOf(job).message) : null;
}

/** A message that declines. @param text what it says */
export function toRefusal(job: Job, text: string): JsonObject {
  return messageOf(job, text, {
    stop_reason: 'refusal',
    stop_sequence: null,
    stop_details: { type: 'refusal', category: null, explanation: text },
  });
}

function messageOf(job: Job, text: string, ending: JsonObject): JsonObject {
  return {
    id: `msg_${job.id}`,
    type: 'message',
    role: 'assistant',
    model: job.model ?? '',
    content: [{ type: 'text', text }],
    ...ending,
    usage: {
      input_tokens: job.usage?.prompt_tokens ?? 0,
      output_tokens: job.usage?.completion_tokens ?? 0,
    },
  };
}

function isMessage(response: unknown): boolean {
  return isJsonObject(response) && response.type === 'message' && Array.isArray(response.content);
}
