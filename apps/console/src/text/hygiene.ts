/** Letters and marks of scripts in which words are spelt with joiners, and what an emoji may end with. */
const JOINING =
  '[\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Guru}\\p{scx=Gujr}\\p{scx=Orya}\\p{scx=Taml}\\p{scx=Telu}\\p{scx=Knda}\\p{scx=Mlym}\\p{scx=Sinh}\\p{scx=Khmr}\\p{scx=Mymr}]';
const EMOJI_END = '[\\p{Extended_Pictographic}\\ufe0f\\u{1f3fb}-\\u{1f3ff}]';

/**
 * Controls but line feed and tab, halves of a character, marks that turn, hide or vary text, and what looks like nothing.
 * Not a joiner (U+200C, U+200D) where it belongs: inside a word of a script that needs it, or between emoji.
 */
export const UNSEEN = new RegExp(
  [
    String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb]`,
    String.raw`[\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]`,
    `(?<!${JOINING})\\u200c`,
    `\\u200c(?!${JOINING})`,
    `(?<!${JOINING}|${EMOJI_END})\\u200d`,
    `\\u200d(?!${JOINING}|\\p{Extended_Pictographic})`,
  ].join('|'),
  'gu',
);

/** A carriage return before a line feed is a line's end like any other. */
const CRLF = /\r\n/g;

/** The text with every character that cannot be seen, or that makes others look different, written out: `⟦U+202E⟧`. */
export function visible(text: string): string {
  return text
    .replace(CRLF, '\n')
    .replace(
      UNSEEN,
      (character) => `⟦U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟧`,
    );
}

/** At most `length` characters of a text, never half of one; whether it was cut. */
export function clip(text: string, length: number): { text: string; cut: boolean } {
  if (text.length <= length) return { text, cut: false };
  const code = text.charCodeAt(length - 1);
  const half = code >= 0xd800 && code <= 0xdbff;
  return { text: text.slice(0, half ? length - 1 : length), cut: true };
}

/** Nested quotes, lists or brackets deeper than any reader follows, which parsers of markdown choke on. */
export function isTooDeep(markdown: string): boolean {
  return /^[\t ]*(?:(?:[>*+-]|\d{1,9}[.)])[\t ]*){24}/m.test(markdown) || /[[(!*_`~]{64}/.test(markdown);
}
