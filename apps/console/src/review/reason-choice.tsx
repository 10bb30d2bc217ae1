import { useDigits } from '../keys/use-keys';
import { useReasons } from './reasons';

/** The reasons to reject, each with its number key. Choosing the chosen one again takes it back. */
export function ReasonChoice({
  code,
  onChange,
}: {
  code: string | null;
  onChange: (code: string | null) => void;
}) {
  const reasons = useReasons();
  useDigits((digit) => {
    const chosen = reasons[digit - 1];
    if (chosen) onChange(chosen.code);
  });
  return (
    <div role="radiogroup" aria-label="Reason" className="flex flex-wrap gap-2">
      {reasons.map(({ code: each, label }, index) => (
        <button
          key={each}
          type="button"
          role="radio"
          aria-checked={code === each}
          className={`button ${code === each ? '!border-accent !bg-chosen' : ''}`}
          onClick={() => onChange(code === each ? null : each)}
        >
          {label} {index < 9 && <kbd aria-hidden="true">{index + 1}</kbd>}
        </button>
      ))}
    </div>
  );
}
