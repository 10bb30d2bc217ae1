import { describe, expect, it } from '@jest/globals';
import { field, listOf, mapOf, objectOf, pointerTo, readObject, wholeNumber } from './index';

class Inner {
  @field(wholeNumber(0, 9), { optional: true, default: 5 })
  count: number;
}

class Outer {
  @field(objectOf(Inner), { optional: true, nullable: true })
  one?: Inner | null;

  @field(mapOf(Inner), { optional: true })
  named?: Record<string, Inner>;

  @field(listOf(Inner, 0, 2), { optional: true })
  listed?: Inner[];
}

function read(value: object): { outer: Outer; faults: string[] } {
  const faults: string[] = [];
  const outer = readObject(Outer, value, [], {
    unknown: 'is unknown',
    note: (path, detail) => faults.push(`${pointerTo(path)} ${detail}`),
  });
  return { outer, faults };
}

describe('an object that is read as a class', () => {
  it('has instances of the classes that its fields hold, with their defaults', () => {
    const { outer, faults } = read({ one: {}, named: { constructor: { count: 1 } }, listed: [{ count: 2 }] });
    expect(faults).toEqual([]);
    expect(outer.one).toBeInstanceOf(Inner);
    expect([outer.one?.count, Object.values(outer.named ?? {})[0]?.count, outer.listed?.[0]?.count]).toEqual([
      5, 1, 2,
    ]);
    expect(read({ one: null }).outer.one).toBeNull();
  });

  it('has its faults noted wherever they are, each with its place', () => {
    const faulty = { one: [], named: { 'a/b': { count: 10 }, c: new Date() }, listed: [{}, {}, {}], more: 1 };
    expect(read(faulty).faults).toEqual([
      '/more is unknown; known are one, named, listed',
      '/listed has 3 entries; there may be 0 to 2',
      '/one must be an object',
      '/named/a~1b/count 10 is not a whole number from 0 to 9',
      '/named/c must be an object',
    ]);
  });

  it('has no value where there was a fault', () => {
    const { outer } = read({ named: { a: { count: 'x' } }, listed: 7 });
    expect([outer.named?.a?.count, outer.listed]).toEqual([undefined, undefined]);
  });
});
