import { describe, expect, it } from '@jest/globals';
import { DomainError } from '../errors';
import { type Json, JsonText } from '../json';
import { checkAnswer, requireNoFaults } from './check-answer';
import { requireUsableSchema } from './response-schema';

async function requireSchema(responseSchema: Json, response: Json): Promise<void> {
  const job = {
    payload: JsonText.of('x'),
    originalPayload: null,
    responseSchema: JsonText.of(responseSchema),
    anthropicHeaders: null,
  };
  requireNoFaults((await checkAnswer(job, JsonText.of(response), 'ana')).faults);
}

async function refusal(work: () => Promise<void>): Promise<DomainError> {
  try {
    await work();
  } catch (error) {
    return error as DomainError;
  }
  throw new Error('nothing was refused');
}

describe('the schema of a response', () => {
  it.each<[string, Json]>([
    ['an object schema', { type: 'object', properties: { answer: { type: 'integer' } } }],
    ['true', true],
    ['unknown keywords and formats', { 'x-note': 1, type: 'string', format: 'colour' }],
    ['definitions of its own', { $defs: { a: { type: 'string' } }, $ref: '#/$defs/a' }],
  ])('may be %s', async (_name, schema) => {
    await expect(requireUsableSchema(JsonText.of(schema), 'ana')).resolves.toBeUndefined();
  });

  it.each<[string, Json]>([
    ['a text', 'object'],
    ['a list', []],
    ['an unknown type', { type: 'thing' }],
    ['a keyword of the wrong type', { required: 'answer' }],
    ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['a broken pattern', { type: 'string', pattern: '(' }],
    ['a reference to itself without end', { $ref: '#' }],
    ['more than 64 KiB', { description: 'x'.repeat(70_000) }],
  ])('may not be %s', async (_name, schema) => {
    expect(await refusal(() => requireUsableSchema(JsonText.of(schema), 'ana'))).toMatchObject({
      code: 'invalid_request',
      faults: [{ pointer: '/response_schema' }],
    });
  });

  it('is met by a response that fits', async () => {
    await expect(requireSchema({ type: 'object', required: ['a'] }, { a: 1 })).resolves.toBeUndefined();
  });

  it('says where a response breaks it', async () => {
    const schema = { properties: { items: { items: { properties: { price: { type: 'number' } } } } } };
    expect(
      await refusal(() => requireSchema(schema, { items: [{ price: 1 }, { price: 'two' }] })),
    ).toMatchObject({
      code: 'schema_mismatch',
      faults: [{ pointer: '/response/items/1/price', detail: 'must be number' }],
    });
  });

  it('has patterns that are linear in the text', async () => {
    const schema = { type: 'string', pattern: '^(a+)+$' };
    expect(await refusal(() => requireSchema(schema, `${'a'.repeat(50_000)}b`))).toMatchObject({
      faults: [{ detail: 'must match pattern "^(a+)+$"' }],
    });
  });

  it('does not let its check run for ever', async () => {
    const many = Array.from({ length: 60_000 }, (_, index) => ({ index }));
    expect(await refusal(() => requireSchema({ uniqueItems: true }, many))).toMatchObject({
      code: 'schema_mismatch',
      faults: [{ pointer: '/response', detail: 'could not be checked within 500 ms' }],
    });
  });
});
