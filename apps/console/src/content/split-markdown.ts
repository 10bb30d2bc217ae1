/** A line that opens HTML which may go on beyond an empty line. */
const LONG_HTML = /^ {0,3}<(?:script|pre|style|textarea|!|\?)/i;
/** A line that certainly begins something new after an empty line: no list, quote, table, code or HTML goes on with it. */
const FRESH = /^[^\s>|*+\-\d`~<:=]/;

/**
 * Cuts markdown into pieces that mean the same one by one as together; the pieces joined are the text.
 * @param size the length that a piece has at least, in characters, unless it is the last
 */
export function splitMarkdown(markdown: string, size: number): string[] {
  const pieces: string[] = [];
  let begin = 0;
  let fence: string | null = null;
  let isAfterEmpty = false;
  for (let at = 0; at < markdown.length;) {
    const end = markdown.indexOf('\n', at);
    const next = end === -1 ? markdown.length : end + 1;
    const line = markdown.slice(at, next);
    if (fence === null && isAfterEmpty && at - begin >= size && FRESH.test(line)) {
      pieces.push(markdown.slice(begin, at));
      begin = at;
    }
    const [, marks] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence === null) {
      if (LONG_HTML.test(line)) break;
      if (
        marks !== undefined &&
        !(marks.startsWith('`') && line.slice(line.indexOf(marks) + marks.length).includes('`'))
      )
        fence = marks;
    } else if (marks?.startsWith(fence) && line.trim() === marks) fence = null;
    isAfterEmpty = line.trim() === '';
    at = next;
  }
  pieces.push(markdown.slice(begin));
  return pieces;
}
