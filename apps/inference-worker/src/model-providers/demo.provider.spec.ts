import { describe, expect, it } from '@jest/globals';
import { JsonText, type Json } from '@hitl/domain';
import fc from 'fast-check';
import { createDemoProvider } from './demo.provider';

const provider = createDemoProvider();
const infer = async (payload: Json, from = provider): Promise<any> =>
  (await from.infer(JsonText.of(payload), new AbortController().signal)).value;
const contentFor = async (payload: Json): Promise<string> =>
  (await infer(payload)).choices[0].message.content;

describe('the demo model', () => {
  it('answers in the shape of a chat completion', async () => {
    expect(await infer({ input: 'What is 2 + 2?' })).toEqual({
      id: expect.stringMatching(/^demo-[0-9a-f]{24}$/),
      object: 'chat.completion',
      created: 0,
      model: 'demo-extractive-1',
      choices: [
        { index: 0, message: { role: 'assistant', content: expect.any(String) }, finish_reason: 'stop' },
      ],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
      },
    });
  });

  it("answers a request of Anthropic's Messages API with a message", async () => {
    const asked = JsonText.of({ model: 'demo', messages: [{ role: 'user', content: 'Two rivers meet.' }] });
    const message = await createDemoProvider().inferMessage?.(asked, new AbortController().signal, {});
    expect(message?.value).toMatchObject({
      ...{ type: 'message', role: 'assistant', stop_reason: 'end_turn' },
      content: [{ type: 'text', text: expect.stringMatching(/^\[demo model, not an LLM\]/) }],
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    });
  });

  it('says in every answer that it is a demo and no LLM', async () => {
    const payloads: Json[] = ['x', {}, null, { messages: [] }, 7];
    for (const payload of payloads) {
      expect(await contentFor(payload)).toMatch(/^\[demo model, not an LLM\]/);
    }
  });

  it('gives the same request the same answer, also in another process', async () => {
    const payload = { input: 'The cat sat on the mat. The cat slept.' };
    expect(await infer(payload)).toEqual(await infer(payload, createDemoProvider()));
  });

  it('tells different requests apart by their id', async () => {
    expect((await infer('a')).id).not.toBe((await infer('b')).id);
  });

  it('picks the sentences that say most, in their order', async () => {
    const text = [
      'Queues decouple services.',
      'Oh well.',
      'A queue holds messages until services take messages from the queue.',
      'Services that read the queue handle messages.',
      'Bye.',
    ].join(' ');
    const content = await contentFor({ input: text });
    expect(content).toContain('A queue holds messages');
    expect(content).not.toContain('Oh well');
    expect(content.indexOf('A queue holds')).toBeLessThan(content.indexOf('Services that read'));
  });

  it.each<[string, Json, RegExp]>([
    ['a text', 'The harbour freezes.', /harbour freezes/],
    ['an input', { input: 'The harbour freezes.' }, /harbour freezes/],
    ['an input with feedback', { input: 'The harbour freezes.', feedback: 'Mention ice.' }, /Mention ice/],
    ['a list', ['The harbour freezes.', { deep: ['Ice comes.'] }], /Ice comes/],
    ['a chat', { messages: [{ role: 'user', content: 'The harbour freezes.' }] }, /harbour freezes/],
    [
      'a chat with parts',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'The harbour freezes.' }] }] },
      /harbour freezes/,
    ],
    [
      'a chat with feedback',
      {
        messages: [
          { role: 'user', content: 'Hi.' },
          { role: 'user', content: 'Mention ice.' },
        ],
      },
      /Mention ice/,
    ],
    ['nothing', {}, /\(no text\)/],
    ['null', null, /\(no text\)/],
    ['a chat without messages', { messages: [] }, /\(no text\)/],
    ['messages that are none', { messages: [null, 'x', { role: 'user' }] }, /\(no text\)/],
  ])('reads %s', async (_name, payload, expected) => {
    expect(await contentFor(payload)).toMatch(expected);
  });

  it('reads only what users say of a chat', async () => {
    const messages = [
      { role: 'system', content: 'Zebra rules.' },
      { role: 'user', content: 'The harbour freezes.' },
    ];
    expect(await contentFor({ model: 'zebra-1', messages })).not.toMatch(/zebra/i);
  });

  it('answers a text of any length in bounded time', async () => {
    const begin = performance.now();
    await infer('The harbour freezes in winter. '.repeat(100_000));
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  it('answers any JSON with a text that can be stored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ stringUnit: 'grapheme' }), async (payload) => {
        const content = await contentFor(payload as Json);
        expect(content.isWellFormed()).toBe(true);
        expect(content).not.toContain('\0');
      }),
      { numRuns: 300 },
    );
  });
});
