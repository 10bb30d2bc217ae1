import { describe, expect, it } from '@jest/globals';
import { jsonSource, type Json, type JsonSource } from '../json/source';
import { rowsOf, showMore, toggle, UNTOUCHED } from './json-rows';

const source = (value: Json): JsonSource => jsonSource(JSON.stringify(value));

describe('a tree of JSON', () => {
  it('is open to its depth where it is small: what is delivered is seen', () => {
    const value = { lines: [{ price: { of: [215] } }] };
    expect(rowsOf(source(value), UNTOUCHED).map(({ kind }) => kind)).not.toContain('closed');
  });

  it('is open two levels deep where it is not, and opens and closes', () => {
    const many = Array.from({ length: 99 }, (_, index) => index);
    const value = { a: { b: { c: 1, many } }, d: [] };
    expect(rowsOf(source(value), UNTOUCHED).map(({ path, kind }) => [path, kind])).toEqual([
      ['', 'open'],
      ['/a', 'open'],
      ['/a/b', 'closed'],
      ['/d', 'leaf'],
    ]);
    const opened = toggle(UNTOUCHED, '/a/b');
    expect(rowsOf(source(value), opened).map(({ path }) => path)).toContain('/a/b/c');
    expect(rowsOf(source(value), toggle(opened, '')).map(({ path }) => path)).toEqual(['']);
  });

  it('shows a hundred members at first, and more when asked', () => {
    const value = Array.from({ length: 5000 }, (_, index) => index);
    const rows = rowsOf(source(value), UNTOUCHED);
    expect(rows).toHaveLength(102);
    expect(rows.at(-1)).toMatchObject({ kind: 'more', count: 4900 });
    expect(rowsOf(source(value), showMore(UNTOUCHED, ''))).toHaveLength(1002);
  });

  it('ends at a depth that nobody follows, without running out of stack', () => {
    const value = jsonSource(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`);
    const toggled = new Set<string>();
    for (let depth = 2; depth < 200; depth += 1) toggled.add('/0'.repeat(depth));
    const rows = rowsOf(value, { ...UNTOUCHED, toggled });
    expect(rows.at(-1)).toMatchObject({ kind: 'too deep', depth: 100 });
  });

  it('shows the fields in the order in which they were written, numbers with all their digits, and what is there twice', () => {
    const value = jsonSource('{"2": 1.0, "1": 12345678901234567890, "__proto__": 1e400, "2": -0}');
    expect(rowsOf(value, UNTOUCHED).map(({ path, name, json }) => [path, name, json])).toEqual([
      ['', null, value],
      ['/2', '2', '1.0'],
      ['/1', '1', '12345678901234567890'],
      ['/__proto__', '__proto__', '1e400'],
      ['/2 again', '2', '-0'],
    ]);
  });

  it('opens the arguments of a call, which are a text', () => {
    const call = source({ arguments: '{"b": 12345678901234567890, "a": 1.0}', name: '{"a": 1}' });
    expect(rowsOf(call, UNTOUCHED).map(({ path, isText, json }) => [path, isText, json])).toEqual([
      ['', false, call],
      ['/arguments', true, '{"b": 12345678901234567890, "a": 1.0}'],
      ['/arguments/b', false, '12345678901234567890'],
      ['/arguments/a', false, '1.0'],
      ['/name', false, '"{\\"a\\": 1}"'],
    ]);
  });

  it.each(['{}', 'no JSON', '12', ''])('leaves arguments alone that are %j', (text) => {
    const rows = rowsOf(source({ arguments: text }), UNTOUCHED);
    expect(rows.at(-1)).toMatchObject({ path: '/arguments', isText: false, kind: 'leaf' });
  });
});
