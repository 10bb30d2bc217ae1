import { describe, expect, it, jest } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { checkSchema, faultOfSchema } from './schemas';

describe('a schema', () => {
  it('is read once, by whoever comes first, and not all are kept for ever', () => {
    const compile = jest.spyOn(Ajv2020.prototype, 'compile');
    const readsOf = (work: () => unknown): number => {
      const before = compile.mock.calls.length;
      work();
      return compile.mock.calls.length - before;
    };
    const check = (name: string) => readsOf(() => checkSchema({ required: [name] }, {}, ''));
    expect(check('mine')).toBe(1);
    expect(check('mine')).toBe(0);
    expect(readsOf(() => faultOfSchema({ required: ['mine'] }))).toBe(0);
    expect(readsOf(() => faultOfSchema({ required: ['yours'] }))).toBe(1);
    expect(check('yours')).toBe(0);
    for (let index = 0; index < 100; index += 1) check(`other ${index}`);
    expect(check('mine')).toBe(1);
    compile.mockRestore();
  });

  it('is refused with a pattern that was read before, where it may be left unchecked', () => {
    const schema = { type: 'string', pattern: '(?=a)' };
    expect(checkSchema(schema, 'b', '').unchecked).toHaveLength(1);
    expect(faultOfSchema(schema)).not.toBeNull();
  });
});
