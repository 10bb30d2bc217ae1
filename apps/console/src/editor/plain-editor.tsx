import { useLayoutEffect, useRef, type RefObject } from 'react';

/** Where the caret is in a text: from and to, in UTF-16 units. */
export type Caret = readonly [number, number];

interface PlainEditorProps {
  value: string;
  label: string;
  language: 'text' | 'json';
  autoFocus: boolean;
  /** Where the caret was left, for the editor that takes over. */
  caret: RefObject<Caret | null>;
  onChange: (value: string) => void;
}

/** Takes what is typed while the editor is loading, and where it cannot be loaded: no key is lost, or taken for a command. */
export function PlainEditor({ value, label, language, autoFocus, caret, onChange }: PlainEditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  // Before the next key: an effect after painting would come too late.
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return undefined;
    const { length } = element.value;
    const [from, to] = caret.current ?? [length, length];
    element.setSelectionRange(from, to);
    if (autoFocus) element.focus();
    return () => {
      caret.current = [element.selectionStart, element.selectionEnd];
    };
  }, [autoFocus, caret]);
  return (
    <textarea
      ref={area}
      className={`field max-h-[70vh] min-h-24 w-full shrink-0 field-sizing-content ${language === 'json' ? 'mono' : ''}`}
      aria-label={label}
      dir={language === 'json' ? 'ltr' : 'auto'}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
