import { describe, expect, it } from '@jest/globals';
import { clip, isTooDeep, visible } from './hygiene';

describe('visible', () => {
  it.each([
    ['\u202Eevil', '⟦U+202E⟧evil'],
    ['a\u200Bb', 'a⟦U+200B⟧b'],
    ['a\u0000b\u001b[31m', 'a⟦U+0000⟧b⟦U+001B⟧[31m'],
    ['\u2066x\u2069', '⟦U+2066⟧x⟦U+2069⟧'],
    ['\u{e0041}', '⟦U+E0041⟧'],
    ['a\u{e0141}\ufe01b', 'a⟦U+E0141⟧⟦U+FE01⟧b'],
    ['a\u034f\u206ab', 'a⟦U+034F⟧⟦U+206A⟧b'],
    ['a\rb', 'a⟦U+000D⟧b'],
    ['a\ud800b', 'a⟦U+D800⟧b'],
    ['a\u200db\u200cc', 'a⟦U+200D⟧b⟦U+200C⟧c'],
    ['می\u200c \u200dx', 'می⟦U+200C⟧ ⟦U+200D⟧x'],
    ['👍\u200c👍\u200d', '👍⟦U+200C⟧👍⟦U+200D⟧'],
    ['می\u200c\u200cخواهم', 'می⟦U+200C⟧⟦U+200C⟧خواهم'],
  ])('writes out what cannot be seen in %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it('leaves what can be seen as it is: letters of any script, emoji, tabs and line ends', () => {
    const text = 'Grüße, 日本語, שלום, 👍🏽 ❤️\tx\ny';
    expect(visible(text)).toBe(text);
    expect(visible('a\r\nb')).toBe('a\nb');
  });

  it.each(['می\u200cخواهم', 'क्\u200dष', '👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 👨🏽\u200d🚀'])(
    'leaves joiners where a word or an emoji needs them: %j',
    (text) => {
      expect(visible(text)).toBe(text);
    },
  );
});

describe('clip', () => {
  it('cuts no character in half', () => {
    expect(clip('ab👍', 3)).toEqual({ text: 'ab', cut: true });
    expect(clip('ab👍', 4)).toEqual({ text: 'ab👍', cut: false });
  });
});

describe('isTooDeep', () => {
  it.each(['>'.repeat(500), '- '.repeat(100), '['.repeat(1000), `text\n${'> '.repeat(60)}deep`])(
    'finds the nesting of %.20s',
    (text) => {
      expect(isTooDeep(text)).toBe(true);
    },
  );

  it.each(['plain', '> quoted\n> again', '- a\n  - b\n    - c', '| a | b |\n|---|---|', '-'.repeat(20)])(
    'takes %j as it is',
    (text) => {
      expect(isTooDeep(text)).toBe(false);
    },
  );
});
