import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Fresh } from './fresh';

describe('what is remembered of a lookup', () => {
  let found: Record<string, string>;
  let reads: string[];
  let fresh: Fresh<string>;

  beforeEach(() => {
    jest.useFakeTimers();
    [found, reads] = [{ a: 'first' }, []];
    fresh = new Fresh((id) => {
      reads.push(id);
      return Promise.resolve(found[id] ?? null);
    });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('is answered at once, and read again on the side after a second', async () => {
    expect(await fresh.get('a')).toBe('first');
    found.a = 'second';
    expect(fresh.get('a')).toBe('first');
    expect(reads).toEqual(['a']);
    jest.advanceTimersByTime(1500);
    expect(fresh.get('a')).toBe('first');
    await Promise.resolve();
    await jest.advanceTimersByTimeAsync(1);
    expect(fresh.get('a')).toBe('second');
    expect(reads).toEqual(['a', 'a']);
  });

  it('is waited for after three seconds, once for all who ask', async () => {
    await fresh.get('a');
    delete found.a;
    jest.advanceTimersByTime(3500);
    expect(await Promise.all([fresh.get('a'), fresh.get('a')])).toEqual([null, null]);
    expect(reads).toEqual(['a', 'a']);
  });

  it('is nothing where nothing was found, or it was forgotten', async () => {
    for (let asked = 0; asked < 2; asked += 1) expect(await fresh.get('b')).toBeNull();
    await fresh.get('a');
    fresh.forget('a');
    await fresh.get('a');
    expect(reads).toEqual(['b', 'b', 'a', 'a']);
  });
});
