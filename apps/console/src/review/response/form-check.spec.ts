import { describe, expect, it } from '@jest/globals';
import { schemaCheck } from '../../json/schema-check';
import { jsonSource, type Json } from '../../json/source';
import { formFault } from './form-check';

const SCHEMA = {
  type: 'object',
  required: ['total'],
  properties: { total: { type: 'number' } },
} as unknown as Json;
const source = (value: unknown) => jsonSource(JSON.stringify(value));
const asked = (payload: object, response_schema: Json = null) =>
  ({ payload: source(payload), response_schema }) as unknown as Parameters<typeof formFault>[0];

describe('the form of an answer', () => {
  it("is the job's schema", () => {
    expect(formFault(asked({}, SCHEMA), source({ total: 5 }))).toBeNull();
    expect(formFault(asked({}, SCHEMA), source({ total: '5' }))).toMatch(/^\/total: /);
    expect(formFault(asked({}, SCHEMA), source({}))).toContain('total');
  });

  it.each([
    ['a chat', { response_format: { type: 'json_schema', json_schema: { schema: SCHEMA } } }],
    ['a response', { text: { format: { type: 'json_schema', schema: SCHEMA } } }],
  ])('is the schema that %s wants its text to have', (_name, payload) => {
    expect(formFault(asked(payload), source('{"total": 5}'))).toBeNull();
    expect(formFault(asked(payload), source('{"total": "5"}'))).toMatch(/^\/total: /);
    expect(formFault(asked(payload), source('five'))).toBe('it must be JSON.');
  });

  it('is an object where any JSON will do', () => {
    const any = asked({ response_format: { type: 'json_object' } });
    expect(formFault(any, source('{}'))).toBeNull();
    expect(formFault(any, source('5'))).toBe('it must be a JSON object.');
  });

  it('is nothing where nothing is asked for, or the schema is none', () => {
    expect(formFault(asked({ response_format: { type: 'text' } }), source('five'))).toBeNull();
    expect(formFault(asked({}), source('five'))).toBeNull();
    expect(schemaCheck({ $ref: '#/nowhere' })).toBeInstanceOf(Function);
  });

  it('is broken by the innermost value', () => {
    const check = schemaCheck({ type: 'object', properties: { a: SCHEMA } });
    expect(check({ a: { total: '5' } }).map(({ pointer }) => pointer)).toEqual(['/a/total']);
  });
});
