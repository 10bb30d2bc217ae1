import { JsonText } from './json-text';

/** Any value that JSON can express. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** True for a JSON object: not null, not an array, nor the text of one. */
export function isJsonObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonText);
}
