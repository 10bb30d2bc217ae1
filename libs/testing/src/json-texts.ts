import fc from 'fast-check';

const SPACE = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n  ');
const NUMBERS = fc.constantFrom(
  ...['0', '-0', '1', '1.0', '1.50', '1E2', '1e+2', '-1e-400', '1e400', '-1e400', '0.1', '1e21'],
  ...['9223372036854775807', '-9223372036854775808', '1234567890123456789', '0.12345678901234567890'],
);
const PIECES = fc.constantFrom(
  ...['a', ' ', 'é', '🗝', 'مرحبا', '漢字', '\u2028', '\ufeff', '\u202e', '{', '}', '[', ']', ',', ':', '$1'],
  ...[
    '\\u0000',
    '\\ud83d',
    '\\ude00',
    '\\uD83D\\uDE00',
    '\\u00e9',
    '\\/',
    '\\\\',
    '\\"',
    '\\n',
    '\\b',
    '\\u001a',
  ],
  ...['null', '1e400', 'x'.repeat(500)],
);
const STRINGS = fc.array(PIECES, { maxLength: 6 }).map((pieces) => `"${pieces.join('')}"`);
const KEYS = fc.oneof(
  fc.constantFrom(
    ...['"1"', '"0"', '"10"', '"__proto__"', '"constructor"', '""', '"b"', '"a"', '"\\u0062b"', '"toJSON"'],
  ),
  STRINGS,
);

/**
 * JSON as others may write it: any order of keys, any spelling of numbers and texts, white space, NUL and halves of
 * characters; no key twice in one object. `value` is any, `object` an object.
 */
export const jsonTexts = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '[]', '{}', '{ }'),
    NUMBERS,
    STRINGS,
    tie('object'),
    tie('array'),
  ),
  array: fc
    .array(fc.tuple(SPACE, tie('value'), SPACE), { maxLength: 5 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  object: fc
    .uniqueArray(fc.tuple(SPACE, KEYS, SPACE, tie('value')), {
      maxLength: 6,
      selector: ([, key]) => JSON.parse(key) as string,
    })
    .map(
      (members) =>
        `{${members.map(([before, key, between, value]) => `${before}${key}${between}:${between}${value}${before}`).join(',')}}`,
    ),
}));
