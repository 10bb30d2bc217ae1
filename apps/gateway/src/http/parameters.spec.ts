import { describe, expect, it } from '@jest/globals';
import {
  choiceParameter,
  cursorParameter,
  encodeCursor,
  limitParameter,
  nameParameter,
  offsetParameter,
  onlyParameters,
  personParameter,
  quote,
  single,
  statusParameter,
  timeParameter,
} from './parameters';

/** A refusal that names the parameter. */
const about = (name: string) =>
  expect.objectContaining({
    code: 'invalid_request',
    faults: [{ pointer: name, detail: expect.any(String) }],
  });
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a parameter', () => {
  it('that is not known is refused, and the message lists those that are', () => {
    expect(() => onlyParameters({ limit: '1' }, ['limit', 'status'])).not.toThrow();
    const error = thrownBy(() => onlyParameters({ limit: '1', offest: '1' }, ['limit', 'offset']));
    expect(error).toEqual(about('offest'));
    expect((error as Error).message).toContain('known are limit, offset');
  });

  it('that is given twice is refused', () => {
    expect(thrownBy(() => onlyParameters({ limit: ['1', '2'] }, ['limit']))).toEqual(about('limit'));
    expect(thrownBy(() => single({ status: ['bot', 'bot'] }, 'status'))).toEqual(about('status'));
    expect(thrownBy(() => limitParameter({ limit: ['1', '2'] }))).toEqual(about('limit'));
  });

  it('of any length is quoted only as far as one recognises it', () => {
    expect(quote('a"b')).toBe('"a\\"b"');
    expect(quote('x'.repeat(65))).toBe(`"${'x'.repeat(64)}…"`);
  });
});

describe('limit and offset', () => {
  it('have usual values', () => {
    expect([limitParameter({}), offsetParameter({})]).toEqual([50, 0]);
  });
  it('take whole numbers in their range', () => {
    expect([limitParameter({ limit: '1' }), limitParameter({ limit: '200' })]).toEqual([1, 200]);
    expect([offsetParameter({ offset: '0' }), offsetParameter({ offset: '1000000' })]).toEqual([
      0, 1_000_000,
    ]);
  });
  it.each(['0', '201', '-1', '1.5', '1e2', '', ' 1', '0x10', 'ten', '9'.repeat(400)])(
    'refuse the limit %p',
    (limit) => {
      expect(thrownBy(() => limitParameter({ limit }))).toEqual(about('limit'));
    },
  );
  it.each(['-1', '1000001', 'NaN'])('refuse the offset %p', (offset) => {
    expect(thrownBy(() => offsetParameter({ offset }))).toEqual(about('offset'));
  });
});

describe('status', () => {
  it('is taken in any letter case, or not at all', () => {
    expect([statusParameter({ status: 'HuMan' }), statusParameter({})]).toEqual(['human', undefined]);
  });
  it.each(['', 'done', 'toString', 'human '])('refuses %p', (status) => {
    expect(thrownBy(() => statusParameter({ status }))).toEqual(about('status'));
  });
});

describe('a time', () => {
  const time = (at: string) => timeParameter({ at }, 'at')?.toISOString();

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
    expect(timeParameter({}, 'at')).toBeUndefined();
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
  ])('refuses %p', (text) => {
    expect(thrownBy(() => time(text))).toEqual(about('at'));
  });
});

describe('a name and a choice', () => {
  it('are taken as they are, or not at all', () => {
    expect(nameParameter({ model: 'gpt-4o ✓' }, 'model')).toBe('gpt-4o ✓');
    expect(nameParameter({}, 'model')).toBeUndefined();
    expect(choiceParameter({ kind: 'b' }, 'kind', ['a', 'b'])).toBe('b');
    expect(choiceParameter({}, 'kind', ['a', 'b'])).toBeUndefined();
  });
  it.each(['', 'a\0', 'x'.repeat(201)])('refuse %p', (text) => {
    expect(thrownBy(() => nameParameter({ model: text }, 'model'))).toEqual(about('model'));
    expect(thrownBy(() => choiceParameter({ model: text }, 'model', ['a']))).toEqual(about('model'));
  });
});

describe('a cursor', () => {
  const isText = (value: unknown): value is string => typeof value === 'string';

  it('comes back as the position it stands for', () => {
    const cursor = encodeCursor('ключ?&=');
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(cursorParameter({ cursor }, isText)).toBe('ключ?&=');
    expect(cursorParameter({}, isText)).toBeUndefined();
  });
  it.each(['', 'x', '!!!', encodeCursor(1), encodeCursor(null)])('of no list is refused: %p', (cursor) => {
    expect(thrownBy(() => cursorParameter({ cursor }, isText))).toEqual(about('cursor'));
  });
});

describe("somebody's name", () => {
  it.each([
    ['Jose\u0301', 'José'],
    [' ana ', 'ana'],
    ['worker', 'worker'],
    ['policy:small_talk', 'policy:small_talk'],
  ])('%j is %j', (by, name) => {
    expect(personParameter({ by }, 'by')).toBe(name);
    expect(personParameter({}, 'by')).toBeUndefined();
  });

  it.each(['', 'x'.repeat(129), 'a\0', '\u202eana', `policy:${'x'.repeat(122)}`])('is not %j', (by) => {
    expect(thrownBy(() => personParameter({ by }, 'by'))).toEqual(about('by'));
  });
});
