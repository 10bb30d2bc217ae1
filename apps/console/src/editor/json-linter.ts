import { ensureSyntaxTree, syntaxTree } from '@codemirror/language';
import type { Diagnostic } from '@codemirror/lint';
import type { EditorState } from '@codemirror/state';
import { duplicateFault, duplicateIn, jsonSource } from '../json/source';

/** How long one may look for the place of a fault, in milliseconds. */
const PARSE_TIMEOUT_MS = 100;

/** Tells where a text is no JSON, or says one thing twice, and why. */
export function jsonLinter({ state }: { state: EditorState }): Diagnostic[] {
  try {
    const text = state.doc.toString();
    const duplicate = duplicateIn(jsonSource(text));
    if (!duplicate) return [];
    const from = text.length - text.trimStart().length + duplicate.at;
    return [{ from, to: from, severity: 'error', message: duplicateFault(duplicate) }];
  } catch (error) {
    const { message } = error as SyntaxError;
    const from = placeOf(message, state);
    return [{ from, to: from, severity: 'error', message: reasonOf(message) }];
  }
}

/** Browsers name the place of some faults only; the grammar finds the others. */
function placeOf(message: string, state: EditorState): number {
  const { length } = state.doc;
  if (message.includes('end of JSON input')) return length;
  const [, named] = /at position (\d+)/.exec(message) ?? [];
  if (named !== undefined) return Math.min(Number(named), length);
  const places: number[] = [];
  (ensureSyntaxTree(state, length, PARSE_TIMEOUT_MS) ?? syntaxTree(state)).iterate({
    enter: ({ type, from }) => {
      if (type.isError) places.push(from);
    },
  });
  return places[0] ?? 0;
}

/** What is wrong, without the place and the text around it, which the editor shows. */
function reasonOf(message: string): string {
  return message.replace(/(?:, (?:\.\.\.)?".*| in JSON at .*| at position .*| at line .*)$/s, '');
}
