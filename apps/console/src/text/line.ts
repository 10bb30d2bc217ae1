/** Characters that the gateway keeps of what was asked: a text of this length may have been cut. */
const MAX_LENGTH = 200;

/**
 * A text as one line to recognise it by: JSON without its brackets and quotes, and without the marks of markdown that
 * mean nothing else. What may mean something else stays.
 */
export function lineOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return (isJson(line) ? fieldsOf(line) : withoutMarks(line)) || line;
}

function isJson(line: string): boolean {
  if (!/^(\{ ?"|\[ ?[{["\d-])/.test(line)) return false;
  if (line.length >= MAX_LENGTH) return true;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** `{"a": 1, "b": ["c"]}` as `a: 1 · b: c`, wherever it was cut. */
function fieldsOf(json: string): string {
  const parts = json.match(/"(?:[^"\\]|\\.)*"?|[:,]|[^\s"{}[\],:]+/g) ?? [];
  return parts
    .map((part) => (part === ':' ? ': ' : part === ',' ? ' · ' : part.startsWith('"') ? textOf(part) : part))
    .join('')
    .replace(/ · $/, '');
}

function textOf(quoted: string): string {
  try {
    return (JSON.parse(quoted) as string).replace(/\s+/g, ' ');
  } catch {
    return quoted.slice(1);
  }
}

function withoutMarks(line: string): string {
  return line
    .replace(/^(?:#{1,6} |> )+/, '')
    .replace(/(?<![\w*])\*\*(?=[^\s*])([^*]*[^\s*])\*\*(?![\w*])/g, '$1')
    .replace(/(?<!`)(`{1,3}) ?([^`]*[^` ]) ?\1(?!`)/g, '$2');
}
