import type { JsonSource } from '../../json/source';
import { edited } from './answer';

/**
 * The response as it would be delivered now, or why what is written cannot be.
 * @param text what a reviewer has made of it; null: nothing
 */
export function resultOf(
  response: JsonSource | null,
  text: string | null,
): { response: JsonSource | null; fault?: undefined } | { fault: string } {
  if (text === null) return { response };
  try {
    return { response: edited(response, text) };
  } catch (error) {
    return { fault: isJson(text) ? (error as SyntaxError).message : 'this is not JSON' };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
