import { describe, expect, it } from '@jest/globals';
import { duplicateIn, jsonSource, laidOut, memberOf, membersOf, without } from './source';

const ODD = String.raw`{ "b" : [1.0, -0,1e400] , "2": 12345678901234567890, "1":{}, "__proto__": "\\\"\u0000\ud800}", "é\n": [ ] , "b":null}`;

describe('JSON as it was written', () => {
  it('has its members in their order, each with its own text', () => {
    const { members, count } = membersOf(jsonSource(ODD));
    expect(members.map(({ name, json }) => [name, json])).toEqual([
      ['b', '[1.0, -0,1e400]'],
      ['2', '12345678901234567890'],
      ['1', '{}'],
      ['__proto__', String.raw`"\\\"\u0000\ud800}"`],
      ['é\n', '[ ]'],
      ['b', 'null'],
    ]);
    expect(count).toBe(6);
    for (const { json, at } of members) expect(ODD.slice(at, at + json.length)).toBe(json);
  });

  it('counts all members where only the first are wanted', () => {
    expect(membersOf(jsonSource('[1,[2,"]"],3]'), 2)).toEqual({
      members: [
        { name: '0', json: '1', at: 1 },
        { name: '1', json: '[2,"]"]', at: 3 },
      ],
      count: 3,
    });
  });

  it.each(['{}', '[]', ' [ ]\n', '1', 'null', '"{}"'])('has no members where there are none: %j', (text) => {
    expect(membersOf(jsonSource(text))).toEqual({ members: [], count: 0 });
  });

  it('has no single member of a name that is there twice', () => {
    expect(memberOf(jsonSource(ODD), '1')?.json).toBe('{}');
    expect(memberOf(jsonSource(ODD), 'b')).toBeUndefined();
    expect(memberOf(jsonSource('[1]'), '0')).toBeUndefined();
  });

  it('keeps all that is not taken away', () => {
    expect(without(jsonSource('{"a": 1.0, "b": 2, "__proto__": 3e400}'), 'b')).toBe(
      '{"a":1.0,"__proto__":3e400}',
    );
    expect(without(jsonSource('{"b": 2}'), 'b')).toBeNull();
  });

  it.each([
    ['{"a": 1, "b": {"a": [{"a": 1}, {"a": 1}]}}', null],
    ['{"a": 1, "b": 2, "a": 3}', { name: 'a', pointer: '', at: 17 }],
    ['[{}, {"x/y": ["a", {"a": "a", "\\u0061": ":"}]}]', { name: 'a', pointer: '/1/x~1y/1', at: 30 }],
    ['{"__proto__": 1, "__proto__": 1}', { name: '__proto__', pointer: '', at: 17 }],
    ['["a", "a"]', null],
    ['"a"', null],
  ])('tells the name in %s that is there twice: %j', (text, found) => {
    expect(duplicateIn(jsonSource(text))).toEqual(found);
  });

  it('is laid out with its digits, order and escapes, where it is all in one line', () => {
    expect(laidOut(jsonSource(ODD))).toBe(
      [
        '{',
        '  "b": [',
        '    1.0,',
        '    -0,',
        '    1e400',
        '  ],',
        '  "2": 12345678901234567890,',
        '  "1": {},',
        String.raw`  "__proto__": "\\\"\u0000\ud800}",`,
        String.raw`  "é\n": [],`,
        '  "b": null',
        '}',
      ].join('\n'),
    );
    expect(laidOut(jsonSource('{\n"a":1 }'))).toBe('{\n"a":1 }');
    expect(laidOut(jsonSource('true'))).toBe('true');
  });

  it.each([[{ a: [1, { b: 'c' }, []], d: {}, e: 'f,{}:[]"' }], [[[], [[]], [{}]]], ['text']])(
    'is laid out as a library lays it out: %j',
    (value) => {
      expect(laidOut(jsonSource(JSON.stringify(value)))).toBe(JSON.stringify(value, null, 2));
    },
  );

  it('may be nested as deeply as it likes', () => {
    const deep = jsonSource(`${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`);
    expect(membersOf(deep).count).toBe(1);
    expect(duplicateIn(deep)).toBeNull();
    expect(laidOut(deep).split('\n')).toHaveLength(200_001);
  });
});
