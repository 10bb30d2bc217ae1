import { describe, expect, it } from '@jest/globals';
import { jsonTexts } from '@hitl/testing';
import fc from 'fast-check';
import { duplicateKey } from './duplicate-key';
import { isJsonObject, jsonBytes, jsonChunks, JsonText, writeJson } from './json';
import { membersOf } from './json-scan';

const json = (text: string): JsonText => new JsonText(text);

describe('JSON as the text that came', () => {
  it('is written as it is, wherever it stands', () => {
    fc.assert(
      fc.property(jsonTexts.value, jsonTexts.value, (one, other) => {
        expect(writeJson(json(one))).toBe(one);
        const value = { a: [json(one), 'x'], b: json(other), c: null };
        const written = `{"a":[${one},"x"],"b":${other},"c":null}`;
        expect(writeJson(value)).toBe(written);
        expect(jsonBytes(value).equals(Buffer.from(written))).toBe(true);
        expect(Buffer.concat(jsonChunks(value)).equals(Buffer.from(written))).toBe(true);
        expect(json(one).value).toEqual(JSON.parse(one));
      }),
    );
  });

  it('is in the same buffer for all that send it where it is large', () => {
    const large = json(`"${'x'.repeat(2_000_000)}"`);
    const [one, other] = [jsonChunks({ large, id: 1 }), jsonChunks([large])];
    expect(one[1]).toBe(other[1]);
    expect(Buffer.concat(one).toString()).toBe(`{"large":${large.text},"id":1}`);
  });

  it('is its value for whoever writes JSON by other means', () => {
    expect(JSON.stringify({ a: json('[ 1.0 ]') })).toBe('{"a":[1]}');
  });

  it('has its members and items as they are written', () => {
    fc.assert(
      fc.property(jsonTexts.object, (text) => {
        const object = json(text);
        const value = JSON.parse(text) as Record<string, unknown>;
        expect(
          membersOf(text)
            .map(({ key }) => key)
            .sort(),
        ).toEqual(Object.keys(value).sort());
        for (const { key } of membersOf(text)) {
          const member = object.member(key);
          expect(member?.value).toEqual(value[key]);
          expect(object.with(key, member as JsonText).text).toBe(text);
        }
        expect(object.member('no such')).toBeNull();
      }),
    );
    fc.assert(
      fc.property(jsonTexts.array, (text) => {
        expect(
          json(text)
            .items()
            .map(({ value }) => value),
        ).toEqual(JSON.parse(text));
      }),
    );
  });

  it('loses members without a change of the others', () => {
    fc.assert(
      fc.property(jsonTexts.object, fc.infiniteStream(fc.boolean()), (text, choice) => {
        const members = membersOf(text);
        const [gone, kept] = [[] as string[], [] as [string, string][]];
        for (const { key, start, end } of members) {
          if (choice.next().value) gone.push(key);
          else kept.push([key, text.slice(start, end)]);
        }
        const rest = json(text).without(...gone);
        expect(JSON.parse(rest.text)).toBeInstanceOf(Object);
        expect(membersOf(rest.text).map(({ key, start, end }) => [key, rest.text.slice(start, end)])).toEqual(
          kept,
        );
      }),
    );
  });

  it.each([
    ['{ "a":1, "stream" : true ,"b":1.0 }', '{ "a":1, "b":1.0 }'],
    ['{"stream":true,"a":1}', '{"a":1}'],
    ['{"a":1,\n  "stream":true\n}', '{"a":1\n}'],
    ['{"a":1,"stream":{"stream":[1,2]},"stream_options":null}', '{"a":1}'],
    [' {"stream":true} ', ' {} '],
    ['{"a":{"stream":true}}', '{"a":{"stream":true}}'],
  ])('%s without stream is %s', (text, rest) => {
    expect(json(text).without('stream', 'stream_options').text).toBe(rest);
  });

  it('gets members in their place, or at the end, and other names', () => {
    expect(json('{ "a" : 1.0, "b":2 }').with('a', json('[1e400]')).text).toBe('{ "a" : [1e400], "b":2 }');
    expect(json('{ "b":2 }').with('a"', json('0')).text).toBe('{ "b":2,"a\\"":0 }');
    expect(json(' { }').with('a', json('0')).text).toBe(' {"a":0 }');
    expect(json('{"x":1.0, "a" : 5e1}').renamed('a', 'b').text).toBe('{"x":1.0, "b" : 5e1}');
    expect(json('{"b":1, "a":2}').renamed('a', 'b').text).toBe('{"b":2}');
  });

  it('makes other JSON with each number as it is written', () => {
    const exact = json('{"a":[1.0,9223372036854775807,-0,1e400,1,"1.0"],"s":"\\u0000"}').exact;
    expect(writeJson({ of: exact })).toBe(
      '{"of":{"a":[1.0,9223372036854775807,-0,1e400,1,"1.0"],"s":"\\u0000"}}',
    );
    expect(isJsonObject((exact as { a: unknown[] }).a[0])).toBe(false);
    const within = { toJSON: () => writeJson(json('{"__proto__":[2.0,2.0]}').exact) };
    expect(writeJson([json('1.0').exact, within, json('{"__proto__":3.0}').exact])).toBe(
      '[1.0,"{\\"__proto__\\":[2.0,2.0]}",{"__proto__":3.0}]',
    );
    fc.assert(
      fc.property(jsonTexts.value, (text) => {
        expect(JSON.parse(writeJson(json(text).exact))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('reads in two ways where an object has a key twice', () => {
    expect(duplicateKey(json('{"a":[0,{"b":1,"b":2}]}'))).toEqual(['a', 1, 'b']);
    fc.assert(fc.property(jsonTexts.value, (text) => duplicateKey(json(text)) === null));
  });
});
