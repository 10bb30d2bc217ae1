/** Whether a text is meant as JSON: an object or an array, or an object that was cut off. */
export function isJsonText(text: string): boolean {
  if (/^\s*\{\s*"(?:[^"\\\n]|\\.)*"\s*:/.test(text)) return true;
  if (!/^\s*(?:\[[^]*\]|\{[^]*\})\s*$/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
