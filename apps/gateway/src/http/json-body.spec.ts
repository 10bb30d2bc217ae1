import { describe, expect, it } from '@jest/globals';
import { DomainError, JsonText, writeJson, type Json } from '@hitl/domain';
import fc from 'fast-check';
import { MAX_DEPTH, parseJsonBody } from './json-body';

const read = (text: string): Json | JsonText => parseJsonBody(Buffer.from(text)).value;
const parse = (text: string): Json => JSON.parse(writeJson(read(text))) as Json;

function refusalOf(body: string | Buffer): string {
  try {
    parseJsonBody(Buffer.from(body as string));
  } catch (error) {
    expect(error).toBeInstanceOf(DomainError);
    expect(error).toMatchObject({ code: 'invalid_json' });
    return (error as DomainError).message;
  }
  throw new Error('it was accepted');
}

/** Arrays in one another. */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a JSON body', () => {
  it('has so many parts at most, which are told before they are made', () => {
    const told: number[] = [];
    parseJsonBody(Buffer.from('{"a":[{},"{[:",{"b":1},2,3,4]}'), false, (parts) => told.push(parts));
    expect(told).toEqual([10]);
    expect(refusalOf(`[${'"",'.repeat(1_000_000)}1]`)).toContain('has 1000001 commas');
    expect(refusalOf(`[${'{"a":""},'.repeat(400_000)}1]`)).toContain('has 1200001 commas');
    expect(parse(`{"payload":[${'"",'.repeat(999_997)}1]}`)).toEqual({ payload: expect.any(Array) });
    expect(refusalOf(`[${'1,'.repeat(100_000)}1]`)).toContain('has 100001 commas');
    expect(parse(`[${'1,'.repeat(99_999)}1]`)).toHaveLength(100_000);
  });

  it('is read as it was sent, whatever JSON can store', () => {
    const storable = fc
      .jsonValue({ maxDepth: 20, stringUnit: 'binary' })
      .filter((value) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)));
    fc.assert(
      fc.property(storable, (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parse(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('is read or refused as invalid_json, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from), fc.string().map(Buffer.from)),
        (bytes) => {
          try {
            parseJsonBody(Buffer.from(bytes));
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_json' });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each(['9007199254740993', '[12345678901234567890]', '{"id":-9007199254740993}'])(
    'is refused with the number %s, which would become another one',
    (text) => {
      expect(refusalOf(text)).toContain('send it as a text');
    },
  );

  it.each([
    '9007199254740991',
    '9007199254740992',
    '1e300',
    '{"id":"9007199254740993"}',
    '0.12345678901234567890',
  ])('is read with %s, which is kept', (text) => {
    expect(() => parse(text)).not.toThrow();
  });

  it('may be any value, not only an object', () => {
    expect([parse('null'), parse('0'), parse('"x"'), parse('[]'), parse(' {"a":1}\n')]).toEqual([
      null,
      0,
      'x',
      [],
      { a: 1 },
    ]);
  });

  it.each(['{"constructor":1,"toString":2}', '{"__proto__":{"a":1},"b":[{"__proto__":null}]}'])(
    'keeps keys that mean something to JavaScript: %s',
    (text) => {
      const value = parse(text) as Record<string, unknown>;
      expect(writeJson(read(text))).toBe(text);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(value.a).toBeUndefined();
    },
  );

  it('may begin with a byte order mark', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it.each([
    ['{"a":1,"a":2}', '/a'],
    ['{"a":1,"b":{"c":[0,{"d":1,"e":":,{","d":1}]}}', '/b/c/1/d'],
    ['[[],{"x/~y":1,"x\\/~y":[{"q":1}]}]', '/1/x~1~0y'],
    ['{"a":1,"\\u0061":1}', '/a'],
    ['{"":1, "" : 2}', '/'],
    ['{"a":{"b":1,"b":1},"a":2}', '/a/b'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__'],
    [`{"a"${' '.repeat(500)}:1,"a"${'\n'.repeat(500)}:1}`, '/a'],
    ['{"a\\\\":1,"\\"":2,"a\\\\":3}', '/a\\'],
  ])('that has one key twice is refused with its place: %s', (text, pointer) => {
    expect(() => parseJsonBody(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'invalid_json', faults: [{ pointer, detail: expect.any(String) }] }),
    );
  });

  it('may have one key in two objects, and colons and braces in texts', () => {
    for (const text of ['[{"a":1},{"a":1}]', '{"a":{"a":{"a":":"}}}', '{":":"{\\"a\\":1,","{":"\\\\"}']) {
      expect(JSON.stringify(parse(text))).toBe(text);
    }
  });

  it('may have 20 MB, whatever it is made of', () => {
    for (const item of ['x'.repeat(20_000_000), '\\"'.repeat(5_000_000)])
      expect(parse(JSON.stringify(item))).toBe(item);
    const numbers = `{"payload":[${'0,'.repeat(5_000_000)}0]}`;
    expect(writeJson(read(numbers))).toBe(numbers);
  });

  it.each([
    ['nothing', '', 'The body is empty; send a JSON object.'],
    ['other than UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'The body is not valid UTF-8.'],
    ['cut off', '{"a":', 'The body is not JSON'],
    ['a number out of range', '{"a":[1e999]}', 'The number at "/a/0" is out of range.'],
    ['a NUL', '{"a":"secret\\u0000"}', 'The text at "/a" has a NUL character.'],
    ['a NUL in a key', '{"a":{"secret\\u0000":1}}', 'The text at "/a" has a NUL character.'],
    ['half a surrogate pair', '["\\ud83d"]', 'The text at "/0" has half a surrogate pair.'],
    ['half a surrogate pair alone', '"\\ude00"', 'The text at the top has half a surrogate pair.'],
  ])('that is or has %s is refused with the place', (_name, body, message) => {
    expect(refusalOf(body)).toContain(message);
    expect(refusalOf(body)).not.toContain('secret');
  });

  it.each(['{"payload":{"a\\u0000":["\\u0000\\ud83d"]}}', '{"response":"\\ude00"}'])(
    'may have every character in what is passed on: %s',
    (text) => {
      expect(writeJson(read(text))).toBe(text);
      expect(refusalOf(text.replace(/payload|response/, 'reason'))).toMatch(/NUL|surrogate/);
    },
  );

  it('keeps what is passed on as it is written, also in each of many decisions', () => {
    const verbatim = '{ "b":1.0, "1":9223372036854775807,"0":[1e400,-0],\t"a":"\\u00e9\\/"  }';
    const body = { payload: new JsonText(verbatim), response: new JsonText('1E2'), reason: 'x' };
    for (const value of [body, { decisions: [{ id: 'y' }, body, 7] }]) {
      expect(read(writeJson(value))).toEqual(value);
    }
    expect(() => read('{"payload":{"a":1,"a":2}}')).toThrow('The key at "/payload/a" is there twice');
    expect(refusalOf('{"payload":1e400,"priority":9007199254740993}')).toContain('send it as a text');
    expect(refusalOf('{"payload":1e400,"priority":[1e999]}')).toContain('"/priority/0" is out of range');
    expect(refusalOf('{"decisions":[{"revision":9007199254740993,"response":1}]}')).toContain('as a text');
  });

  it('may have every character where all of it is passed on', () => {
    const text = ' {"messages":["\\u0000"], "n": 1e400}\n';
    expect(parseJsonBody(Buffer.from(`\ufeff${text}`), true).value).toEqual(new JsonText(text));
  });

  it('that is no JSON is refused with the character where it goes wrong, where the parser tells', () => {
    expect(refusalOf('{"a":1,}')).toBe('The body is not JSON: it goes wrong at character 7.');
    expect(refusalOf('secret position 3')).toBe('The body is not JSON.');
  });

  it('may be nested so deep and no deeper, and the deepest ever sent breaks nothing', () => {
    expect(() => parse(nested(MAX_DEPTH))).not.toThrow();
    expect(refusalOf(nested(MAX_DEPTH + 1))).toBe('The body is nested deeper than 127 levels.');
    expect(refusalOf(nested(500_000))).toBe('The body is nested deeper than 127 levels.');
  });
});
