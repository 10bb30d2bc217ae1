import { describe, expect, it } from '@jest/globals';
import {
  cursorParameter,
  encodeCursor,
  limitParameter,
  offsetParameter,
  onlyParameters,
  quote,
  single,
  statusParameter,
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
