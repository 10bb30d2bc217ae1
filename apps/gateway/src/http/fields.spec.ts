import { describe, expect, it } from '@jest/globals';
import { DomainError, type FieldFault } from '@hitl/domain';
import { IgnoresUnknown, quote } from '@hitl/shapes';
import {
  BooleanField,
  EnumField,
  IntegerField,
  PersonField,
  TextField,
  TimeField,
  WithoutField,
} from './fields';
import { CursorField, encodeCursor, UuidListField } from './list-fields';
import { LimitField } from './page';
import { readQuery } from './validate';

class Sample {
  @LimitField()
  limit: number;

  @IntegerField({ min: 0, max: 10, capped: true, optional: true })
  offset?: number;

  @EnumField(['bot', 'human'], { anyCase: true, optional: true })
  status?: string;

  @EnumField(['a', 'b'], { optional: true })
  kind?: string;

  @TimeField({ optional: true })
  at?: Date;

  @TextField({ min: 1, max: 200, optional: true })
  model?: string;

  @WithoutField(['model'], {})
  without?: 'model';

  @BooleanField({ optional: true })
  final?: boolean;

  @PersonField({ optional: true })
  by?: string;

  @UuidListField({ most: 2, optional: true })
  ids?: string[];

  @CursorField((value) => typeof value === 'string')
  cursor?: string;
}

class Required {
  @TextField({ remedy: 'send any' })
  id: string;
}

class None {
  none?: never;
}

@IgnoresUnknown()
class Lenient {
  @LimitField()
  limit: number;
}

function faultsOf(query: Record<string, unknown>, type: new () => object = Sample): FieldFault[] {
  try {
    readQuery(type, query);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'invalid_request') return error.faults;
    throw error;
  }
  return [];
}

const about = (pointer: string) => [{ pointer, detail: expect.any(String) }];
const ID = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';

describe('a parameter', () => {
  it.each(['offest', '__proto__', 'constructor', 'LIMIT', ''])(
    'that is not known is refused with those that are: %j',
    (name) => {
      const query = JSON.parse(`{${JSON.stringify(name)}: "1"}`) as Record<string, unknown>;
      expect(faultsOf(query)).toEqual([
        { pointer: name, detail: expect.stringContaining('known are limit, offset, status') },
      ]);
    },
  );

  it('is refused where a query has none', () => {
    expect(faultsOf({ limit: '1' }, None)).toEqual([
      { pointer: 'limit', detail: 'there is no such parameter; known are none' },
    ]);
    expect(faultsOf({}, None)).toEqual([]);
  });

  it('that is not known is passed over where the class says so', () => {
    expect(readQuery(Lenient, { any: '1', limit: '2' })).toEqual({ limit: 2 });
  });

  it('that is given twice is refused', () => {
    expect(faultsOf({ limit: ['1', '2'] })).toEqual(about('limit'));
  });

  it('that is missing is refused with what to send', () => {
    expect(faultsOf({}, Required)).toEqual([{ pointer: 'id', detail: 'is missing; send any' }]);
  });

  it('is one of many that are refused at once, each with its name in the message', () => {
    expect(() => readQuery(Sample, { limit: '0', kind: 'c', x: '1' })).toThrow(
      /^"x": there is no such parameter; known are .*\. "limit": 0 is not a whole number from 1 to 200\. "kind": "c" is not one of a, b\.$/,
    );
  });

  it('is quoted as it came, whatever it looks like', () => {
    expect(faultsOf({ kind: '$value $property' })[0]?.detail).toBe(
      '"\\u0024value \\u0024property" is not one of a, b',
    );
  });

  it('of any length is quoted only as far as one recognises it', () => {
    expect(quote('a"b')).toBe('"a\\"b"');
    expect(quote('x'.repeat(65))).toBe(`"${'x'.repeat(64)}…"`);
  });
});

describe('limit and offset', () => {
  it('have defaults', () => {
    expect(readQuery(Sample, {})).toMatchObject({ limit: 50, offset: undefined });
  });
  it('take whole numbers in their range, and the largest for a larger one where that is said', () => {
    expect(readQuery(Sample, { limit: '1' }).limit).toBe(1);
    expect(readQuery(Sample, { limit: '200', offset: '9'.repeat(400) })).toMatchObject({
      limit: 200,
      offset: 10,
    });
  });
  it.each(['0', '201', '-1', '1.5', '1e2', '', ' 1', '0x10', 'ten', '9'.repeat(400)])(
    'refuse the limit %p',
    (limit) => {
      expect(faultsOf({ limit })).toEqual(about('limit'));
    },
  );
  it.each(['-1', '1.5', 'NaN', ''])('refuse the offset %p', (offset) => {
    expect(faultsOf({ offset })).toEqual(about('offset'));
  });
});

describe('status', () => {
  it('is taken in any letter case, or not at all', () => {
    expect([readQuery(Sample, { status: 'HuMan' }).status, readQuery(Sample, {}).status]).toEqual([
      'human',
      undefined,
    ]);
  });
  it.each(['', 'done', 'toString', 'human '])('refuses %p', (status) => {
    expect(faultsOf({ status })).toEqual(about('status'));
  });
});

describe('a time', () => {
  const time = (at: string) => readQuery(Sample, { at }).at?.toISOString();

  it.each([
    ['2026-01-31T09:00:00Z', '2026-01-31T09:00:00.000Z'],
    ['2026-01-31t09:00:00.123456z', '2026-01-31T09:00:00.123Z'],
    ['2026-01-31T09:00:00+02:00', '2026-01-31T07:00:00.000Z'],
    ['2026-01-31T09:00:00 02:00', '2026-01-31T07:00:00.000Z'],
    ['2024-02-29T23:59:59-01:30', '2024-03-01T01:29:59.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(time(text)).toBe(iso);
  });
  it('may be missing', () => {
    expect(readQuery(Sample, {}).at).toBeUndefined();
  });
  it.each([
    '',
    'now',
    '2026-01-31',
    '2026-01-31T09:00:00',
    '2026-01-31 09:00:00Z',
    '2026-02-30T09:00:00Z',
    '2025-02-29T09:00:00Z',
    '2026-13-01T09:00:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T09:00:00+99:00',
    '2026-01-31T09:00:00+16:00',
    '9999-12-31T23:59:59-15:00',
    '1969-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z',
    '12026-01-31T09:00:00Z',
    '1767225600',
  ])('refuses %p', (at) => {
    expect(faultsOf({ at })).toEqual(about('at'));
  });
});

describe('a name and a choice', () => {
  it('are taken as they are, or not at all', () => {
    expect(readQuery(Sample, { model: 'gpt-4o ✓', kind: 'b' })).toMatchObject({
      model: 'gpt-4o ✓',
      kind: 'b',
    });
    expect(readQuery(Sample, { model: '𝄞'.repeat(200) }).model).toHaveLength(400);
  });
  it.each(['', 'a\0', 'x'.repeat(201), '\ufe0f'.repeat(201)])('refuse %p', (text) => {
    expect(faultsOf({ model: text })).toEqual(about('model'));
    expect(faultsOf({ kind: text })).toEqual(about('kind'));
  });
  it.each([
    ['true', true],
    ['false', false],
  ])('%s is a flag', (final, flag) => {
    expect(readQuery(Sample, { final }).final).toBe(flag);
  });
  it.each(['', 'TRUE', '1'])('%j is no flag', (final) => {
    expect(faultsOf({ final })).toEqual(about('final'));
  });
  it('cannot be asked for together with having none', () => {
    expect(readQuery(Sample, { without: 'model' }).without).toBe('model');
    expect(faultsOf({ without: 'model', model: 'x' })).toEqual([
      { pointer: 'without', detail: 'model is given as well' },
    ]);
    expect(faultsOf({ without: 'rule' })).toEqual(about('without'));
  });
});

describe('a list of ids', () => {
  it('is taken apart at its commas', () => {
    expect(readQuery(Sample, { ids: `${ID},${ID}` }).ids).toEqual([ID, ID]);
  });
  it.each(['', 'x', `${ID},`, `${ID},${ID},${ID}`])('refuses %j', (ids) => {
    expect(faultsOf({ ids })).toEqual(about('ids'));
  });
});

describe('a cursor', () => {
  it('comes back as the position it stands for', () => {
    const cursor = encodeCursor('ключ?&=');
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(readQuery(Sample, { cursor }).cursor).toBe('ключ?&=');
    expect(readQuery(Sample, {}).cursor).toBeUndefined();
  });
  it.each(['', 'x', '!!!', encodeCursor(1), encodeCursor(null)])('of no list is refused: %p', (cursor) => {
    expect(faultsOf({ cursor })).toEqual(about('cursor'));
  });
});

describe("somebody's name", () => {
  it.each([
    ['Jose\u0301', 'José'],
    [' ana ', 'ana'],
    ['worker', 'worker'],
    ['policy:small_talk', 'policy:small_talk'],
  ])('%j is %j', (by, name) => {
    expect(readQuery(Sample, { by }).by).toBe(name);
  });

  it.each(['', 'x'.repeat(129), 'a\0', '\u202eana', `policy:${'x'.repeat(122)}`])('is not %j', (by) => {
    expect(faultsOf({ by })).toEqual(about('by'));
  });
});
