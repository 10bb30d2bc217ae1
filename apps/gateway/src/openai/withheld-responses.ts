import { isJsonObject, type Job, type Json } from '@hitl/domain';
import { toResponse } from './responses';
import type { JsonObject } from './chat';
import type { HeldJob } from './held-responses.service';
import type { Withheld } from './withheld';

/** A response that is withheld, as a chat completion, where the status was sent before that was known. */
export function toWithheldCompletion(error: Withheld, job: Job): JsonObject {
  return {
    ...headOf(job, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: null, refusal: error.message },
        logprobs: null,
        finish_reason: 'content_filter',
      },
    ],
  };
}

/** The same as an object of the Responses API. */
export function toWithheldResponse(error: Withheld, job: Job): JsonObject {
  return {
    ...toResponse(job),
    status: 'incomplete',
    error: null,
    incomplete_details: { reason: 'content_filter' },
    output: [
      {
        id: `msg_${job.id}`,
        type: 'message',
        role: 'assistant',
        status: 'incomplete',
        content: [{ type: 'refusal', refusal: error.message }],
      },
    ],
  };
}

/**
 * A chunk that says nothing, as a sign of life: some clients do not count comments as one. The first one names the role,
 * which clients want to know from a stream's first chunk, and only once.
 */
export function toBeatChunk(job: HeldJob, isFirst: boolean, includeUsage: boolean): JsonObject {
  return {
    ...headOf(job, 'chat.completion.chunk'),
    choices: [{ index: 0, delta: isFirst ? { role: 'assistant' } : {}, logprobs: null, finish_reason: null }],
    ...(includeUsage && { usage: null }),
  };
}

/** A chunk of the response after a first beat, which has named the role of the first choice. */
export function withoutRole(chunk: JsonObject): JsonObject {
  if (!Array.isArray(chunk.choices)) return chunk;
  const choices = chunk.choices.map((choice): Json => {
    if (!isJsonObject(choice) || choice.index !== 0 || !isJsonObject(choice.delta)) return choice;
    return {
      ...choice,
      delta: Object.fromEntries(Object.entries(choice.delta).filter(([key]) => key !== 'role')),
    };
  });
  return { ...chunk, choices };
}

function headOf({ id, createdAt, model }: HeldJob, object: string): JsonObject {
  return {
    id: `chatcmpl-${id}`,
    object,
    created: Math.floor(createdAt.getTime() / 1000),
    model: model ?? '',
  };
}
