import { useEffect, useState } from 'react';

/** How long an answer must have been in sight before it can be decided on, in milliseconds: a second press of a key comes sooner. */
const MIN_LOOK_MS = 500;

/**
 * Whether what is on the page has been there long enough to be decided on, counted from when it was painted.
 * @param what names the answer: another one starts anew
 */
export function useSettled(what: string): boolean {
  const [settled, setSettled] = useState<string | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // The second frame begins once the first is painted; a hidden page paints none.
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => {
        timer = setTimeout(() => setSettled(what), MIN_LOOK_MS);
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [what]);
  return settled === what;
}
