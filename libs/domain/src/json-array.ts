import type { JsonText } from './json';

/** PostgreSQL's type of json, which the binary form of a list names: `SELECT 'json'::regtype::oid`. */
const JSON_OID = 114;

/**
 * A parameter of the type json[] in PostgreSQL's binary form (array_recv). As a text pg escapes each quote in it, which takes
 * seconds where there are millions.
 */
export function jsonArray(items: readonly (JsonText | null)[]): Buffer {
  const int = (...values: number[]): Buffer => {
    const bytes = Buffer.allocUnsafe(4 * values.length);
    values.forEach((value, index) => bytes.writeInt32BE(value, 4 * index));
    return bytes;
  };
  const hasNull = items.includes(null) ? 1 : 0;
  return Buffer.concat([
    // One dimension, which begins at 1.
    int(1, hasNull, JSON_OID, items.length, 1),
    ...items.flatMap((item) => (item === null ? [int(-1)] : [int(item.bytes.length), item.bytes])),
  ]);
}
