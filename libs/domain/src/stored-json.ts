import { isJsonObject, type Json } from './json';

/**
 * PostgreSQL's jsonb takes neither NUL nor half a surrogate pair, which JSON may have: they are stored as the character
 * U+001A and a sign for them, and U+001A itself as two of it. Who reads a jsonb column gets them back.
 */
const MARK = '\u001a';
const NUL_SIGN = '\u2400';
/** Only texts with one of these escapes, as JSON.stringify and PostgreSQL write them, can have what is stored otherwise. */
const MAY_NEED_ENCODING = /\\u(?:0000|001a|d[89a-f])/;
const MAY_NEED_DECODING = '\\u001a';
const NOT_STORABLE = /\0|\u001a|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ENCODED = /\u001a(\u001a|\u2400|d[89a-f][0-9a-f]{2})/g;

/** JSON text for a jsonb parameter. */
export function toStoredJson(value: Json): string {
  const text = JSON.stringify(value);
  return MAY_NEED_ENCODING.test(text) ? JSON.stringify(inTexts(value, encode)) : text;
}

/** A value to put into a jsonb parameter; `value` itself where it can be stored as it is. */
export function toStorable(value: Json): Json {
  return MAY_NEED_ENCODING.test(JSON.stringify(value)) ? inTexts(value, encode) : value;
}

/** What a jsonb column holds, from the text that PostgreSQL writes of it. */
export function fromStoredJson(text: string): Json {
  const value = JSON.parse(text) as Json;
  return text.includes(MAY_NEED_DECODING) ? inTexts(value, decode) : value;
}

function encode(text: string): string {
  return text.replace(NOT_STORABLE, (character) => {
    if (character === '\0') return MARK + NUL_SIGN;
    return MARK + (character === MARK ? MARK : character.charCodeAt(0).toString(16));
  });
}

function decode(text: string): string {
  return text.replace(ENCODED, (_all, sign: string) => {
    if (sign === NUL_SIGN) return '\0';
    return sign === MARK ? MARK : String.fromCharCode(Number.parseInt(sign, 16));
  });
}

/** The value with its texts and keys changed. Bodies are nested 127 levels deep at most. */
function inTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => inTexts(item, change));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [change(key), inTexts(inner, change)]),
  );
}
