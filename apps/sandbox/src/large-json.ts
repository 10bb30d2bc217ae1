import { DomainError, JsonText, jsonBytes, summaryOf, type Job, type Json } from '@hitl/domain';
import { WithBytes } from '@hitl/sandbox';
import { parseJsonBody, type ReadBody } from '../../gateway/src/http/json-body';
import type { LargeBody, Made } from '../../gateway/src/http/large-json';
import { messageFramesOf } from '../../gateway/src/anthropic/message-events';
import { toMessage } from '../../gateway/src/anthropic/messages';
import { readChatRequest, toChatResponse, type ChatRequest } from '../../gateway/src/openai/chat';
import { framesOf, type StreamOptions } from '../../gateway/src/openai/chat-frames';
import type { SentJob, Without } from '../../gateway/src/openai/large-jobs';
import { itemsBehind, toResponse } from '../../gateway/src/openai/responses';
import {
  readResponsesRequest,
  referencesIn,
  type ResponsesRequest,
} from '../../gateway/src/openai/responses-request';

/** What gateways do with small bodies and responses themselves; a refusal is part of the answer. */
export const LARGE_JSON_TASKS = {
  readBody: refusing(readBody),
  readChat: refusing(readChat),
  readReferences: refusing((bytes: Buffer) => new WithBytes(referencesIn(new JsonText(bytes)), [])),
  readResponses: refusing(readResponses),
  toChatResponse: refusing((job: SentJob, ...texts: Buffer[]) =>
    responseOf(received(job, texts), toChatResponse),
  ),
  toResponse: refusing((job: SentJob, ...texts: Buffer[]) =>
    onlyBytes(jsonBytes(toResponse(received(job, texts)))),
  ),
  toMessage: refusing((job: SentJob, ...texts: Buffer[]) => responseOf(received(job, texts), toMessage)),
  toMessageFrames: refusing((job: SentJob, ...texts: Buffer[]) =>
    onlyBytes(Buffer.from([...messageFramesOf(received(job, texts))].join(''))),
  ),
  toFrames: refusing((job: SentJob, options: StreamOptions, ...texts: Buffer[]) =>
    onlyBytes(Buffer.from([...framesOf(received(job, texts), options)].join(''))),
  ),
};

function readBody(isPassedOn: boolean, bytes: Buffer): WithBytes {
  const { value, texts, text } = parseJsonBody(bytes, isPassedOn);
  const from = bytes.length - Buffer.byteLength(text);
  if (value instanceof JsonText) {
    return new WithBytes({ from, summary: summaryOf(value) } satisfies LargeBody, []);
  }
  let character = 0;
  let byte = from;
  const byteAt = (at: number): number => {
    byte += Buffer.byteLength(text.slice(character, at));
    character = at;
    return byte;
  };
  const read: LargeBody = {
    from,
    texts: texts.map(({ path, json, start, end }) => ({
      path,
      start: byteAt(start),
      end: byteAt(end),
      ...(path.at(-1) === 'payload' && { summary: summaryOf(json) }),
    })),
    rest: withoutTexts(value, texts),
  };
  return new WithBytes(read, []);
}

function readChat(bytes: Buffer): WithBytes {
  const body = new JsonText(bytes);
  const { payload, ...request } = readChatRequest(body);
  const read: Without<ChatRequest> = { ...request, summary: summaryOf(payload) };
  // What is passed on as it came need not come back.
  return new WithBytes(read, payload.text.length === body.text.length ? [] : [payload.bytes]);
}

function readResponses(jobs: SentJob[], bytes: Buffer, ...texts: Buffer[]): WithBytes {
  const known = itemsBehind(jobs.map((job) => received(job, texts)));
  const { payload, askedFor, ...request } = readResponsesRequest(new JsonText(bytes), known);
  const read: Without<ResponsesRequest> = { ...request, summary: summaryOf(payload) };
  return new WithBytes(read, [payload.bytes, askedFor.bytes]);
}

/** No bytes: the response is the answer as it is. */
function responseOf(job: Job, toResponse: (job: Job) => Json | JsonText): WithBytes {
  const answer = toResponse(job);
  return answer === job.response ? new WithBytes(null, []) : onlyBytes(jsonBytes(answer));
}

/** A job as the doors read it: it has only what they tell of it. Takes its texts from the list. */
function received({ fields, texts }: SentJob, bytes: Buffer[]): Job {
  const own = texts.map((name) => [name, new JsonText(bytes.shift() ?? Buffer.alloc(0))]);
  return {
    ...{ response: null, askedFor: null },
    ...fields,
    ...Object.fromEntries(own),
    createdAt: new Date(fields.createdAt),
    finishedAt: fields.finishedAt && new Date(fields.finishedAt),
  } as Job;
}

/** The value of a body with null for each of its texts. */
function withoutTexts(value: Json, texts: ReadBody['texts']): Json {
  for (const { path } of texts) {
    let fields = value as Record<string | number, unknown>;
    for (const step of path.slice(0, -1)) fields = fields[step] as typeof fields;
    fields[path.at(-1) ?? ''] = null;
  }
  return value;
}

function onlyBytes(bytes: Buffer): WithBytes {
  return new WithBytes(null, [bytes]);
}

/** A task whose refusals are answers. */
function refusing<Args extends unknown[]>(task: (...args: Args) => WithBytes) {
  return (...args: Args): WithBytes => {
    try {
      const { result, bytes } = task(...args);
      return new WithBytes({ made: result } satisfies Made<unknown>, bytes);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const { code, message: detail, faults } = error;
      return new WithBytes({ refusal: { code, detail, faults } } satisfies Made<unknown>, []);
    }
  };
}
