import { describe, expect, it } from '@jest/globals';
import { JsonText, writeJson, type Job, type Json } from '@hitl/domain';
import type { JsonObject } from '../openai/chat';
import { messageFramesOf, toEvents } from './message-events';

const message = (content: Json[], more: JsonObject = {}): JsonObject => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 5, service_tier: 'standard' },
  ...more,
});

const joined = (before?: Json, piece?: Json): string => `${before as string}${piece as string}`;

/** The message that a client puts together again, as Anthropic's SDKs do. */
function assembled(events: JsonObject[]): Json {
  const whole = structuredClone((events[0]?.message ?? {}) as JsonObject);
  const blocks = whole.content as JsonObject[];
  const inputs = new Map<Json | undefined, string>();
  for (const event of events) {
    const { type, index } = event;
    const delta = event.delta as JsonObject;
    const block = blocks[Number(index)] ?? {};
    if (type === 'content_block_start') blocks.push(structuredClone(event.content_block as JsonObject));
    if (type === 'message_delta') {
      Object.assign(whole, delta, { usage: event.usage });
      if (event.context_management !== undefined) whole.context_management = event.context_management;
    }
    if (type !== 'content_block_delta') continue;
    if (delta.type === 'text_delta') block.text = joined(block.text, delta.text);
    if (delta.type === 'thinking_delta') block.thinking = joined(block.thinking, delta.thinking);
    if (delta.type === 'signature_delta') block.signature = delta.signature ?? null;
    if (delta.type === 'citations_delta') (block.citations as Json[]).push(delta.citation ?? null);
    if (delta.type === 'input_json_delta') {
      inputs.set(index, joined(inputs.get(index) ?? '', delta.partial_json));
      block.input = JSON.parse(inputs.get(index) ?? '') as Json;
    }
  }
  return whole;
}

describe('a streamed message', () => {
  it.each<[string, JsonObject]>([
    ['a text', message([{ type: 'text', text: 'Two rivers.', citations: null }])],
    ['no block', message([])],
    ['a text with sources', message([{ type: 'text', text: 'Ab', citations: [{ url: 'u' }, { url: 'v' }] }])],
    [
      'thinking and calls',
      message(
        [
          { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
          { type: 'redacted_thinking', data: 'x' },
          { type: 'tool_use', id: 't1', name: 'pay', input: { amount: 4, of: ['é', null] } },
          { type: 'tool_use', id: 't2', name: 'wait', input: {} },
          { type: 'server_tool_use', id: 't3', name: 'web_search', input: { query: 'q' } },
          { type: 'web_search_tool_result', tool_use_id: 't3', content: [{ title: 'T' }] },
          { type: 'of_the_future', anything: { at: 'all' } },
        ],
        { stop_reason: 'tool_use', stop_details: null },
      ),
    ],
    [
      'what only some models say',
      message([{ type: 'text', text: '' }], { container: { id: 'c' }, context_management: { applied: [] } }),
    ],
  ])('is the whole message again: %s', (_what, whole) => {
    expect(assembled([...toEvents(whole)])).toEqual(whole);
  });

  it('has the events of Anthropic in their order, and no content before its block', () => {
    const events = [...toEvents(message([{ type: 'text', text: 'x'.repeat(3000) }]))];
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      ...Array.from({ length: 3 }, () => 'content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(writeJson(events[0])).not.toContain('xx');
  });

  it('names each event, and keeps the spelling of numbers', () => {
    const text =
      '{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":{"n":1.0}},{"n":1e400}],"usage":{"input_tokens":12345678901234567890}}';
    const frames = [...messageFramesOf({ response: new JsonText(text) } as Job)].join('');
    expect(frames).toContain('event: message_start\ndata: {"type":"message_start"');
    expect(frames).toContain('"partial_json":"{\\"n\\":1.0}"');
    expect(frames).toContain('"content_block":{"n":1e400}');
    expect(frames).toContain('"input_tokens":12345678901234567890');
  });
});
