import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, foldGutter, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import {
  forEachDiagnostic,
  linter,
  lintGutter,
  nextDiagnostic,
  setDiagnosticsEffect,
} from '@codemirror/lint';
import { unifiedMergeView } from '@codemirror/merge';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { Json } from '../json/source';
import { clip, UNSEEN, visible } from '../text/hygiene';
import { lineDirection } from './line-direction';
import { jsonLinter } from './json-linter';
import { schemaLinter } from './schema-linter';
import { Button } from '../ui/button';

interface EditorProps {
  value: string;
  language: 'text' | 'json';
  label: string;
  /** Shown against the value where it differs; null: no comparison. */
  original?: string | null;
  /** What the JSON must satisfy. */
  schema?: Json;
  readOnly?: boolean;
  autoFocus?: boolean;
  /** Where the caret is at first; at the end unless given. */
  caret?: RefObject<readonly [number, number] | null>;
  onChange?: (value: string) => void;
}

/** Characters of a fault that are told. */
const MAX_FAULT_LENGTH = 300;

const theme = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--panel)', maxHeight: '70vh', fontSize: '13px' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.5', overflow: 'auto' },
  '.text &': { fontSize: '14px' },
  '.text & .cm-scroller': { fontFamily: 'var(--font-sans)' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--dim)', border: 'none' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--chosen) !important',
  },
  '.cm-specialChar': { color: 'var(--bad)' },
  '.cm-changedLine': { backgroundColor: 'color-mix(in srgb, var(--good) 10%, transparent) !important' },
  '.cm-changedText': {
    background: 'color-mix(in srgb, var(--good) 28%, transparent) !important',
    borderBottom: '1px solid var(--good)',
  },
  '.cm-deletedChunk': { backgroundColor: 'color-mix(in srgb, var(--bad) 10%, transparent) !important' },
  '.cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in srgb, var(--bad) 28%, transparent) !important',
    borderBottom: '1px solid var(--bad)',
  },
  // The colours of a language are too faint upon those of a difference.
  ':is(.cm-changedText, .cm-deletedText), :is(.cm-changedText, .cm-deletedText) span': {
    color: 'var(--ink) !important',
  },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-collapsedLines': { backgroundColor: 'var(--sunken)', color: 'var(--dim)', backgroundImage: 'none' },
});

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.propertyName, color: 'var(--accent)' },
    { tag: tags.string, color: 'var(--good)' },
    { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  ]),
);

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';

/** The first fault of a text, and how many there are. */
interface Faults {
  from: number;
  to: number;
  line: number;
  message: string;
  count: number;
}

/** A text or JSON editor; with `original` it shows as one types what differs from it. */
export function Editor(props: EditorProps) {
  const { value, original = null, readOnly = false } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const comparison = useRef(new Compartment());
  const latest = useRef(props);
  const [faults, setFaults] = useState<Faults | null>(null);
  useEffect(() => {
    latest.current = props;
  });

  // Before the next key: whoever types must not find the page without a field between two letters.
  useLayoutEffect(() => {
    const { language, label, schema, autoFocus, caret, readOnly: fixed = false } = latest.current;
    const editor = new EditorView({
      parent: host.current ?? undefined,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          // A text that mixes line ends keeps them.
          ...(latest.current.value.includes('\r') && !fixed ? [EditorState.lineSeparator.of('\n')] : []),
          theme,
          colours,
          highlightSpecialChars({ addSpecialChars: UNSEEN }),
          drawSelection(),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          ...(language === 'json'
            ? [json(), lineNumbers(), foldGutter(), bracketMatching()]
            : [lineDirection]),
          ...(fixed
            ? [EditorState.readOnly.of(true), EditorView.editable.of(false)]
            : [
                history(),
                keymap.of([
                  { key: 'F8', run: nextDiagnostic },
                  ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter'),
                  ...historyKeymap,
                ]),
                ...(language === 'json' ? checks(schema) : []),
                EditorView.updateListener.of((update) => {
                  if (update.docChanged) latest.current.onChange?.(update.state.doc.toString());
                  const isChecked = update.transactions.some(({ effects }) =>
                    effects.some((effect) => effect.is(setDiagnosticsEffect)),
                  );
                  if (isChecked) setFaults(faultsOf(update.state));
                }),
              ]),
          comparison.current.of(compare(latest.current.original ?? null, fixed)),
        ],
      }),
    });
    view.current = editor;
    if (autoFocus) {
      editor.focus();
      const { length } = editor.state.doc;
      const [anchor, head] = caret?.current ?? [length, length];
      editor.dispatch({
        selection: { anchor: Math.min(anchor, length), head: Math.min(head, length) },
        scrollIntoView: true,
      });
    }
    return () => {
      editor.destroy();
    };
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: comparison.current.reconfigure(compare(original, readOnly)) });
  }, [original, readOnly]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    if (readOnly || !editor.hasFocus) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value, readOnly]);

  const goToFault = (): void => {
    const editor = view.current;
    const first = editor && faultsOf(editor.state);
    if (!first) return;
    editor.focus();
    editor.dispatch({ selection: { anchor: first.from, head: first.to }, scrollIntoView: true });
  };
  return (
    <>
      <div
        ref={host}
        className={`shrink-0 overflow-hidden rounded-md border border-line ${props.language}`}
      />
      {props.language === 'json' && !readOnly && (
        <div className="flex items-center gap-3 text-bad">
          <p aria-live="polite">
            {faults && `Line ${faults.line}: ${faults.message}`}
            {faults && faults.count > 1 && ` And ${faults.count - 1} more.`}
          </p>
          {faults && (
            <Button aria-keyshortcuts="F8" onClick={goToFault}>
              Go to it <kbd aria-hidden="true">F8</kbd>
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function faultsOf(state: EditorState): Faults | null {
  let first: Omit<Faults, 'count'> | undefined;
  let count = 0;
  forEachDiagnostic(state, ({ message }, from, to) => {
    count += 1;
    first ??= {
      from,
      to,
      line: state.doc.lineAt(from).number,
      message: visible(clip(message, MAX_FAULT_LENGTH).text),
    };
  });
  return first ? { ...first, count } : null;
}

function compare(original: string | null, readOnly: boolean): Extension {
  if (original === null) return [];
  return unifiedMergeView({
    original,
    mergeControls: false,
    gutter: false,
    // While nothing is changed yet, all would be folded away from whoever wants to write.
    ...(readOnly && { collapseUnchanged: { margin: 3, minSize: 8 } }),
    // Beyond this a coarser comparison keeps typing quick.
    diffConfig: { scanLimit: 1000, timeout: 100 },
  });
}

function checks(schema: Json | undefined): Extension[] {
  return [
    lintGutter(),
    linter(jsonLinter),
    ...(schema === undefined || schema === null ? [] : [linter(schemaLinter(schema))]),
  ];
}
