import { syntaxTree } from '@codemirror/language';
import type { Diagnostic } from '@codemirror/lint';
import type { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { schemaCheck } from '../json/schema-check';
import type { Json } from '../json/source';

/** Faults that are shown at once. */
const MAX_FAULTS = 50;

/** Tells where a JSON text does not fit a schema. The gateway has the last word; this one only saves the way. */
export function schemaLinter(schema: Json): (view: EditorView) => Diagnostic[] {
  const check = schemaCheck(schema);
  return ({ state }) => {
    let value: unknown;
    try {
      value = JSON.parse(state.doc.toString());
    } catch {
      return [];
    }
    return check(value)
      .slice(0, MAX_FAULTS)
      .map(({ pointer, message }) => ({ ...rangeOf(state, pointer), severity: 'error', message }));
  };
}

/** Where the value is that a JSON pointer names. */
function rangeOf(state: EditorState, pointer: string): { from: number; to: number } {
  let node = syntaxTree(state).topNode.firstChild;
  for (const part of pointer.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    let child = node?.firstChild ?? null;
    if (node?.name === 'Array') {
      for (let index = -1; child; child = child.nextSibling) {
        if (!/^[[\],]$/.test(child.name)) index += 1;
        if (index === Number(name)) break;
      }
    } else {
      for (; child; child = child.nextSibling) {
        const key = child.getChild('PropertyName');
        if (key && state.sliceDoc(key.from, key.to) === JSON.stringify(name)) break;
      }
      child = child?.lastChild ?? null;
    }
    if (!child) break;
    node = child;
  }
  return node ? { from: node.from, to: node.to } : { from: 0, to: Math.min(1, state.doc.length) };
}
