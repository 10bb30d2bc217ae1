import { useEffect, useId, useRef, useState } from 'react';

/** How long one may pause while typing before the search runs, in milliseconds. */
const TYPING_PAUSE = 200;

interface TypedProps {
  value: string;
  label: string;
  onChange: (value: string) => void;
  className: string;
  /** What may be chosen instead of typing it. */
  known?: string[];
  input?: React.RefObject<HTMLInputElement | null>;
}

/** A text field whose change is told once one pauses, or leaves it. */
export function Typed({ value, label, onChange, className, known, input }: TypedProps) {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (value !== told) {
    setTold(value);
    setText(value);
  }
  const tell = useRef(onChange);
  useEffect(() => {
    tell.current = onChange;
  });
  const tellNow = (): void => {
    if (text === told) return;
    setTold(text);
    tell.current(text);
  };
  useEffect(() => {
    if (text === told) return undefined;
    const timer = setTimeout(() => {
      setTold(text);
      tell.current(text);
    }, TYPING_PAUSE);
    return () => {
      clearTimeout(timer);
    };
  }, [text, told]);
  const list = useId();
  return (
    <>
      <input
        ref={input}
        type="search"
        dir="auto"
        onBlur={tellNow}
        className={`field ${className}`}
        placeholder={label}
        aria-label={label}
        list={known && list}
        value={text}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
      />
      {known && (
        <datalist id={list}>
          {known.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </>
  );
}
