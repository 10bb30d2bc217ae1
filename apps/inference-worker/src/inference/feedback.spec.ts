import { describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import { JsonText, type Json } from '@hitl/domain';
import { withFeedback as continued } from './feedback';

interface Turn {
  response: Json;
  feedback: string;
}
const withFeedback = (payload: Json, turns: Turn[]): Json =>
  continued(
    JsonText.of(payload),
    turns.map(({ response, feedback }) => ({
      response: response === null ? null : JsonText.of(response),
      feedback,
    })),
  ).value;

const said = (message: Json): Json => ({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
const about = (response: Json, feedback = 'shorter'): Turn[] => [{ response, feedback }];
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
const CALL = { id: 't1', type: 'function', function: { name: 'pay', arguments: '{"amount":5}' } };

describe('what reviewers asked for', () => {
  it('changes nothing when they asked for nothing', () => {
    const payload = JsonText.of({ messages: [] });
    expect(continued(payload, [])).toBe(payload);
  });

  it('changes nothing else of the text', () => {
    const turns = [{ response: new JsonText('{"a" : 1.0}'), feedback: 'b' }];
    const before =
      '{ "z":1e400, "messages" : [ {"role":"user", "content":"\\u00e9", "1":1.0,"0":2} ], "2":0, "1":0 }';
    expect(continued(new JsonText(before), turns).text).toBe(
      before.replace(
        /\[ (.*) \]/,
        '[$1,{"role":"assistant","content":"{\\"a\\":1.0}"},{"role":"user","content":"b"}]',
      ),
    );
    const contents = '{"contents":[{"role":"user","parts":[{"text":"hi"}],"n":1.50}]}';
    const answer = new JsonText('{"candidates":[{"content":{"role":"model","parts":[{"n":1.0}]}}]}');
    expect(continued(new JsonText(contents), [{ response: answer, feedback: 'b' }]).text).toBe(
      contents.replace(
        ']}',
        ',{"role":"model","parts":[{"n":1.0}]},{"role":"user","parts":[{"text":"b"}]}]}',
      ),
    );
    expect(continued(new JsonText('[1.0]'), turns).text).toBe(
      '{"input":[1.0],"feedback":"b","previous_response":{"a" : 1.0}}',
    );
  });

  it('comes after the answer that it is about, as a conversation whose turns alternate', () => {
    const turns = [
      { response: completion('Hello, dear friend!') as Json, feedback: 'shorter' },
      { response: completion('Hello!') as Json, feedback: 'kinder' },
    ];
    expect(withFeedback(CHAT, turns)).toEqual({
      model: 'm',
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'Hello, dear friend!' },
        { role: 'user', content: 'shorter' },
        { role: 'assistant', content: 'Hello!' },
        { role: 'user', content: 'kinder' },
      ],
    });
    expect(CHAT.messages).toHaveLength(1);
  });

  it.each<[string, Json, Json[]]>([
    ['a text that a reviewer wrote', 'Hi.', [{ role: 'assistant', content: 'Hi.' }]],
    ['JSON that a reviewer wrote', { a: 1 }, [{ role: 'assistant', content: '{"a":1}' }]],
    [
      'only the text of parts, without the reasoning, which servers do not take back',
      said({
        role: 'assistant',
        reasoning: 'hm',
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: 'Hi.' },
        ],
      }),
      [{ role: 'assistant', content: 'Hi.' }],
    ],
    ['a refusal', said({ content: null, refusal: 'No.' }), [{ role: 'assistant', content: 'No.' }]],
    [
      'calls of tools with a result for each, as the API wants it',
      said({ role: 'assistant', content: null, tool_calls: [{ ...CALL, index: 0 }] }),
      [
        { role: 'assistant', content: null, tool_calls: [CALL] },
        { role: 'tool', tool_call_id: 't1', content: 'Not run: a reviewer asked for another response.' },
      ],
    ],
    [
      'a call that has no id as text',
      said({ content: null, tool_calls: [{ function: { name: 'pay', arguments: '{}' } }] }),
      [{ role: 'assistant', content: '[{"function":{"name":"pay","arguments":"{}"}}]' }],
    ],
    [
      'the message of an API that answers one',
      { message: { content: 'Hi.' } },
      [{ role: 'assistant', content: 'Hi.' }],
    ],
  ])('follows %s', (_name, response, turns) => {
    expect(withFeedback(CHAT, about(response))).toEqual({
      ...CHAT,
      messages: [...CHAT.messages, ...turns, { role: 'user', content: 'shorter' }],
    });
  });

  it('follows an answer that goes on with what the request put into its mouth', () => {
    const begun = { messages: [...CHAT.messages, { role: 'assistant', content: 'Dear ' }] };
    expect(withFeedback(begun, about(completion('friend!') as Json))).toEqual({
      messages: [
        ...CHAT.messages,
        { role: 'assistant', content: 'Dear friend!' },
        { role: 'user', content: 'shorter' },
      ],
    });
  });

  it.each<[Json, Json]>([
    ['hi', 'hi\n\nshorter'],
    [
      [{ type: 'text', text: 'hi' }],
      [
        { type: 'text', text: 'hi' },
        { type: 'text', text: 'shorter' },
      ],
    ],
  ])('joins the request %j where there was no answer yet', (content, expected) => {
    expect(withFeedback({ messages: [{ role: 'user', content }] }, about(null))).toEqual({
      messages: [{ role: 'user', content: expected }],
    });
  });

  it('goes to the Messages API in its own form', () => {
    const content: Json[] = [
      { type: 'text', text: 'I pay.' },
      { type: 'tool_use', id: 'u1', name: 'pay', input: {} },
    ];
    expect(withFeedback(CHAT, about({ type: 'message', role: 'assistant', content }))).toEqual({
      ...CHAT,
      messages: [
        ...CHAT.messages,
        { role: 'assistant', content },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'u1',
              content: 'Not run: a reviewer asked for another response.',
            },
            { type: 'text', text: 'shorter' },
          ],
        },
      ],
    });
  });

  it.each<[Json, Json[]]>([
    ['hi', [{ role: 'user', content: 'hi' }]],
    [[{ role: 'user', content: 'hi' }], [{ role: 'user', content: 'hi' }]],
  ])('goes to the Responses API in its own form, after the input %j', (input, items) => {
    const output: Json[] = [
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'I pay.' }] },
      { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'pay', arguments: '{}' },
    ];
    expect(withFeedback({ model: 'm', input }, about({ object: 'response', output }))).toEqual({
      model: 'm',
      input: [
        ...items,
        { role: 'assistant', content: 'I pay.' },
        { type: 'function_call', call_id: 'c1', name: 'pay', arguments: '{}' },
        {
          type: 'function_call_output',
          call_id: 'c1',
          output: 'Not run: a reviewer asked for another response.',
        },
        { role: 'user', content: 'shorter' },
      ],
    });
  });

  it('goes to the Gemini API in its own form', () => {
    const contents = [{ role: 'user', parts: [{ text: 'hi' }] }];
    const content = { role: 'model', parts: [{ text: 'Hello!' }] };
    expect(withFeedback({ contents }, about({ candidates: [{ content }] }))).toEqual({
      contents: [...contents, content, { role: 'user', parts: [{ text: 'shorter' }] }],
    });
  });

  it.each<[string, Json, Json]>([
    ['beside the input of an object', { input: 'x' }, { input: 'x' }],
    ['beside messages that are no list', { messages: 'x' }, { messages: 'x' }],
    ['instead of an older feedback', { input: 1, feedback: 'old' }, { input: 1 }],
    ['beside a text', 'x', { input: 'x' }],
    ['beside a list', [1], { input: [1] }],
    ['beside null', null, { input: null }],
  ])('comes %s, with the answer that it is about', (_name, payload, expected) => {
    const turns = [
      { response: 'first', feedback: 'a' },
      { response: 'second', feedback: 'b' },
    ];
    expect(withFeedback(payload, turns)).toEqual({
      ...(expected as object),
      feedback: 'a\nb',
      previous_response: 'second',
    });
  });

  it('comes alone where there was no answer yet', () => {
    expect(withFeedback('x', about(null))).toEqual({ input: 'x', feedback: 'shorter' });
  });
});
