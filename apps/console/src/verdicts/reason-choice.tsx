import { useEffect, useRef, type KeyboardEvent } from 'react';
import { useDigits } from '../keys/use-keys';
import { useReasons } from './reasons';
import { Button } from '../ui/button';

const STEPS: Record<string, 1 | -1> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** The reasons to reject, each with its number key; the arrows choose, too. Choosing the chosen one again takes it back. */
export function ReasonChoice({
  code,
  onChange,
}: {
  code: string | null;
  onChange: (code: string | null) => void;
}) {
  const reasons = useReasons();
  /** A number that was pressed before the reasons had come. */
  const early = useRef<number | null>(null);
  useDigits((digit) => {
    const meant = reasons[digit - 1];
    if (meant) onChange(meant.code);
    else if (reasons.length === 0) early.current = digit;
  });
  useEffect(() => {
    const meant = early.current === null ? undefined : reasons[early.current - 1];
    if (!meant) return;
    early.current = null;
    onChange(meant.code);
  }, [reasons, onChange]);
  const chosen = reasons.findIndex((reason) => reason.code === code);
  const step = (event: KeyboardEvent<HTMLElement>): void => {
    const by = STEPS[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=radio]')];
    const next = (all.findIndex((each) => each === event.target) + by + all.length) % all.length;
    all[next]?.focus();
    onChange(reasons[next]?.code ?? null);
  };
  return (
    <div role="radiogroup" aria-label="Reason" className="flex flex-wrap gap-2" onKeyDown={step}>
      {reasons.map(({ code: each, label }, index) => (
        <Button
          key={each}
          role="radio"
          aria-checked={code === each}
          tabIndex={index === Math.max(chosen, 0) ? 0 : -1}
          className={code === each ? '!border-accent !bg-chosen' : ''}
          onClick={() => onChange(code === each ? null : each)}
        >
          {label} {index < 9 && <kbd aria-hidden="true">{index + 1}</kbd>}
        </Button>
      ))}
    </div>
  );
}
