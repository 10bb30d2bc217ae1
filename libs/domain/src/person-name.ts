/** Characters of a person's name. */
export const MAX_NAME_LENGTH = 128;
/** Who acts when nobody says. */
export const LOCAL = 'local';

/** Controls, line breaks, halves of characters, and what nobody sees, so that two names would look the same. */
const UNUSABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u00ad\u200b\u2060\ufeff]/u;
/** Whom the system itself acts as; a policy acts as `policy:` and its rule. */
const RESERVED = /^(worker|desk|policy:.*)$/iu;

/**
 * A person's name as it is kept and compared: in Unicode's composed form (NFC), without blanks around it and with single
 * ones in it, so that two spellings of one name are one person. Any text of 1 to 128 characters without control characters can be one, but for
 * the names that the system acts under.
 * @returns null when it can be nobody's
 */
export function personName(text: string): string | null {
  if (UNUSABLE.test(text)) return null;
  const name = text.normalize('NFC').trim().replace(/\s+/g, ' ');
  const length = Array.from(name).length;
  return length >= 1 && length <= MAX_NAME_LENGTH && !RESERVED.test(name) ? name : null;
}

/**
 * The name under which somebody acts, or the system does: a {@link personName}, `worker`, `desk`, or `policy:` and a rule.
 * @returns null when nothing can have happened under it
 */
export function actorName(text: string): string | null {
  const isSystem = RESERVED.test(text) && text.length <= MAX_NAME_LENGTH && !UNUSABLE.test(text);
  return isSystem ? text : personName(text);
}
