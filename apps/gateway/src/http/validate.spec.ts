import { describe, expect, it } from '@jest/globals';
import { DomainError, type FieldFault } from '@hitl/domain';
import fc from 'fast-check';
import { EnumField, IntegerField, JsonField, MetadataField } from './fields';
import { ListField } from './list-fields';
import { readBody } from './validate';

class Sample {
  @JsonField()
  payload: unknown;
  @IntegerField({ min: 0, max: 9, optional: true })
  priority?: number;
  @EnumField(['a', 'b'], { optional: true })
  kind?: string;
  @MetadataField({ optional: true })
  metadata?: Record<string, string>;
}

const faultsOf = (value: unknown): FieldFault[] => {
  try {
    readBody(Sample, value);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'invalid_request') return error.faults;
    throw error;
  }
  return [];
};

describe('a body that is checked against a class', () => {
  it('becomes an instance with the very values that were sent', () => {
    const payload = { nested: [{ priority: '7', constructor: 1 }] };
    const sample = readBody(Sample, { payload, priority: 3 });
    expect(sample).toBeInstanceOf(Sample);
    expect(sample).toEqual({ payload, priority: 3 });
    expect(sample.payload).toBe(payload);
  });

  it.each([[null], [1], ['text'], [true], [[]], [undefined]])(
    'must be an object, which %p is not',
    (value) => {
      expect(faultsOf(value)).toEqual([{ pointer: '', detail: 'must be an object' }]);
    },
  );

  it('is refused with a fault for every field, in one answer', () => {
    const faults = faultsOf({ priority: 'high', kind: 'c', unknown: 1 });
    expect(faults.map(({ pointer }) => pointer).sort()).toEqual([
      '/kind',
      '/payload',
      '/priority',
      '/unknown',
    ]);
    expect(faults.find(({ pointer }) => pointer === '/payload')?.detail).toBe('is missing');
  });

  it('is refused with the faults in the message, too', () => {
    expect(() => readBody(Sample, { payload: 1, priority: 1.5 })).toThrow(
      '/priority: 1.5 is not a whole number from 0 to 9.',
    );
  });

  it('names an unknown field as a JSON pointer', () => {
    expect(faultsOf({ payload: 1, 'a/b~c': 1 })).toMatchObject([{ pointer: '/a~1b~0c' }]);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
    'is refused for a field %s like for any unknown one',
    (name) => {
      for (const value of ['1', 'null', '{"prototype":null}']) {
        const body: unknown = JSON.parse(`{"payload":1,"${name}":${value}}`);
        expect(faultsOf(body)).toEqual([
          { pointer: `/${name}`, detail: expect.stringContaining('there is no such field') },
        ]);
      }
    },
  );

  it('takes null for a field that must only be there', () => {
    expect(faultsOf({ payload: null })).toEqual([]);
  });

  it('is accepted or refused, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        faultsOf(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('metadata', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));
  it.each([
    ['nothing', {}],
    ['texts', { a: 'b' }],
    ['64 entries', many(64)],
    ['the longest key and value', { ['k'.repeat(64)]: 'v'.repeat(1024) }],
  ])('may be %s', (_name, metadata) => {
    expect(faultsOf({ payload: 1, metadata })).toEqual([]);
  });
  it.each([
    ['a list', []],
    ['a text', 'a'],
    ['numbers', { a: 1 }],
    ['nested', { a: { b: 'c' } }],
    ['65 entries', many(65)],
    ['a longer key', { ['k'.repeat(65)]: '' }],
    ['a longer value', { k: 'v'.repeat(1025) }],
  ])('may not be %s', (_name, metadata) => {
    expect(faultsOf({ payload: 1, metadata })).toMatchObject([{ pointer: '/metadata' }]);
  });

  describe('with a list of objects', () => {
    class Samples {
      @ListField(Sample, { most: 3 })
      samples: Sample[];
    }
    const faults = (samples: unknown): string[] => {
      try {
        readBody(Samples, { samples });
      } catch (error) {
        return (error as DomainError).faults.map(({ pointer }) => pointer);
      }
      return [];
    };

    it('becomes a list of instances', () => {
      const { samples } = readBody(Samples, { samples: [{ payload: 1 }, { payload: null }] });
      expect(samples).toEqual([{ payload: 1 }, { payload: null }]);
      expect(samples.every((sample) => sample instanceof Sample)).toBe(true);
    });

    it('is refused with the place of each fault', () => {
      expect(faults([{ payload: 1 }, { payload: 1, kind: 'c' }, { extra: 1 }])).toEqual([
        '/samples/1/kind',
        '/samples/2/extra',
        '/samples/2/payload',
      ]);
      expect(faults([{ payload: 1 }, null, [1]])).toEqual(['/samples/1', '/samples/2']);
    });

    it.each([[[]], [Array(4).fill({ payload: 1 })], [{ 0: { payload: 1 } }], [null]])(
      'is refused as a whole when it is %j',
      (samples) => {
        expect(faults(samples)).toEqual(['/samples']);
      },
    );
  });
});
