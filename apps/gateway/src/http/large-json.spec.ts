import { afterAll, describe, expect, it } from '@jest/globals';
import { DomainError, JsonText, summaryOf, writeJson, type Json } from '@hitl/domain';
import { SANDBOXES } from '@hitl/sandbox';
import { parseJsonBody } from './json-body';
import { LARGE_JSON_BYTES, readJsonBody } from './large-json';

const MIB = 1_048_576;
const SPACE = ' '.repeat(LARGE_JSON_BYTES);
const read = (body: Buffer, isPassedOn = false) => readJsonBody(body, isPassedOn, 'ana', () => undefined);

/** What is left of a body, and of each of its payloads what is told of it. */
function told(value: Json | JsonText): unknown {
  const payload = value instanceof JsonText ? value : (value as { payload?: unknown } | null)?.payload;
  return { text: writeJson(value), summary: payload instanceof JsonText ? summaryOf(payload) : null };
}

/** What reading a body brings, or how it is refused. */
async function outcomeOf(reading: () => Promise<Json | JsonText> | Json | JsonText): Promise<unknown> {
  try {
    return told(await reading());
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { code, message, faults } = error;
    return { code, message, faults };
  }
}

describe('a large body', () => {
  afterAll(() => SANDBOXES.bodies.close());

  it.each([
    '{"payload":{"model":"m","messages":[{"role":"user","content":"Ünïcode 🗝"}],"n":1.0},"metadata":{"ü":"🗝"},"priority":3}',
    '{"x":"é","decisions":[{"job_id":"a","response":{"b":1e400}},7,{"payload":[],"reason":"ü"}]}',
    '{"response":null,"__proto__":{"payload":1},"content":"\\ud83d"}',
    '[1,{"payload":2}]',
    'null',
    '{"payload":{"a":1,"a":2}}',
    '{"metadata":{"a":"\\u0000"},"payload":"\\u0000"}',
    '{"priority":9007199254740993}',
    '{"payload":}',
    '\ufeff{"payload":{"prompt":"x"}}',
  ])('is read as a small one is: %s', async (text) => {
    for (const isPassedOn of [false, true]) {
      const large = Buffer.from(text + SPACE);
      const expected = await outcomeOf(() => parseJsonBody(large, isPassedOn).value);
      expect(await outcomeOf(() => read(large, isPassedOn))).toEqual(expected);
    }
  });

  it('that is no UTF-8 is refused', async () => {
    const body = Buffer.concat([Buffer.from('{"payload":"'), Buffer.alloc(LARGE_JSON_BYTES, 0xff)]);
    await expect(read(body)).rejects.toMatchObject({
      code: 'invalid_json',
      message: 'The body is not valid UTF-8.',
    });
  });

  it.each([
    ['a text', JSON.stringify({ payload: 'x'.repeat(20 * MIB - 1000) })],
    ['quotes', JSON.stringify({ payload: '"\\n'.repeat(20 * 170_000) })],
    ['numbers', `{"payload":["",${'1.5,'.repeat(5 * MIB - 1000)}1]}`],
    [
      'members',
      `{"payload":{${Array.from({ length: 490_000 }, (_, n) => `"${n.toString(36)}":""`).join()}}}`,
    ],
  ])('of 20 MB made of %s keeps this process for a moment only', async (_what, text) => {
    const body = Buffer.from(text);
    const { payload } = (await read(body)) as unknown as { payload: JsonText };
    // Not one byte of it was copied here, and none made a text.
    expect(payload.bytes.buffer).toBe(body.buffer);
    expect(payload.bytes.length).toBe(body.length - '{"payload":}'.length);
  });

  it('may have so many parts outside of what is passed on only', async () => {
    const body = Buffer.from(`{"metadata":[${'1,'.repeat(100_000)}1]}`);
    await expect(read(body)).rejects.toMatchObject({
      code: 'invalid_json',
      message: expect.stringContaining('100003 commas, colons and brackets that open outside of payload'),
    });
  });
});
