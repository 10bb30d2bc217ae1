/**
 * The line ends of Unicode that JSON leaves as they are. Many readers split text there (Python's `splitlines`, httpx's
 * `iter_lines`), and find half a JSON value.
 */
const OTHER_LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** The same JSON as one line for every reader. */
export function oneLine(json: string): string {
  return json.replace(OTHER_LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
