import { isJsonObject, writeJson, type DomainError, type Job, type Json } from '@hitl/domain';
import { frameOf } from '../http/event-stream';
import { pieces, type JsonObject } from '../openai/chat';
import { toAnthropicError } from './anthropic-error';
import { toExactMessage } from './messages';

/** Blocks whose input clients collect from deltas. */
const WITH_INPUT = new Set<Json | undefined>(['tool_use', 'server_tool_use', 'mcp_tool_use']);

/** A heartbeat, as Anthropic sends it. */
export const PING = frameOf({ event: 'ping', data: '{"type":"ping"}' });

/** The frames of a stream with an approved message. */
export function* messageFramesOf(job: Job): Generator<string> {
  yield* framesOfMessage(toExactMessage(job));
}

/** The frames of a stream with a message: every field and block of it, and nothing else. */
export function* framesOfMessage(message: JsonObject): Generator<string> {
  for (const event of toEvents(message)) {
    yield frameOf({ event: event.type as string, data: writeJson(event) });
  }
}

/** The end of a stream that brings no answer. */
export function errorFrame(error: DomainError, requestId: string): string {
  return frameOf({ event: 'error', data: writeJson(toAnthropicError(error, requestId)) });
}

/** A message in the events of a stream, for writeJson. */
export function* toEvents(message: JsonObject): Generator<JsonObject> {
  const {
    content = [],
    stop_reason = null,
    stop_sequence = null,
    stop_details,
    usage = { input_tokens: 0, output_tokens: 0 },
    ...rest
  } = message;
  const details = stop_details !== undefined && { stop_details };
  yield {
    type: 'message_start',
    message: {
      ...rest,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      ...(details && { stop_details: null }),
      usage,
    },
  };
  for (const [index, block] of (Array.isArray(content) ? content : []).entries()) {
    const { start, deltas } = inDeltas(isJsonObject(block) ? block : { type: 'text', text: '' });
    yield { type: 'content_block_start', index, content_block: start };
    for (const delta of deltas) yield { type: 'content_block_delta', index, delta };
    yield { type: 'content_block_stop', index };
  }
  const { container, context_management: management } = rest;
  yield {
    type: 'message_delta',
    delta: { stop_reason, stop_sequence, ...details, ...(container !== undefined && { container }) },
    usage,
    ...(management !== undefined && { context_management: management }),
  };
  yield { type: 'message_stop' };
}

/** What a block begins as, and what is added to it. A block of any other type comes whole. */
function inDeltas(block: JsonObject): { start: JsonObject; deltas: Iterable<JsonObject> } {
  const { type, text, citations, thinking, input } = block;
  if (type === 'text' && typeof text === 'string') {
    const cited = Array.isArray(citations) ? citations : [];
    return {
      start: { ...block, text: '', ...(Array.isArray(citations) && { citations: [] }) },
      deltas: [
        ...[...pieces(text)].map((piece) => ({ type: 'text_delta', text: piece })),
        ...cited.map((citation) => ({ type: 'citations_delta', citation })),
      ],
    };
  }
  if (type === 'thinking' && typeof thinking === 'string') {
    const { signature } = block;
    const isSigned = typeof signature === 'string';
    return {
      start: { ...block, thinking: '', ...(isSigned && { signature: '' }) },
      deltas: [
        ...[...pieces(thinking)].map((piece) => ({ type: 'thinking_delta', thinking: piece })),
        ...(isSigned ? [{ type: 'signature_delta', signature }] : []),
      ],
    };
  }
  if (WITH_INPUT.has(type) && isJsonObject(input)) {
    return {
      start: { ...block, input: {} },
      deltas: [...pieces(writeJson(input))].map((piece) => ({
        type: 'input_json_delta',
        partial_json: piece,
      })),
    };
  }
  return { start: block, deltas: [] };
}
