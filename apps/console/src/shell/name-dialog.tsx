import { useState, type SyntheticEvent } from 'react';
import { isName, LOCAL, reviewer, setReviewer } from '../reviewer';
import { Dialog } from './dialog';

/** Asks once who reviews: decisions and claims carry the name. */
export function NameDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState(reviewer());
  const close = (chosen: string): void => {
    setReviewer(chosen);
    onClose();
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (isName(name.trim())) close(name.trim());
  };
  return (
    <Dialog title="Who are you?" onClose={() => close(reviewer())}>
      <form className="flex flex-col gap-3" onSubmit={submit}>
        <label className="flex flex-col gap-1">
          <span className="text-dim">
            The name that your claims and decisions carry. It stays in this browser; change it at the top
            right.
          </span>
          <input
            className="field"
            value={name}
            maxLength={100}
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setName(event.target.value)}
            aria-invalid={!isName(name.trim())}
            aria-describedby="name-rule"
          />
          <span id="name-rule" className="text-xs text-dim">
            Letters of the English alphabet, digits, spaces and . _ @ + -
          </span>
        </label>
        <div className="flex justify-end gap-2">
          <button type="submit" className="button accent" disabled={!isName(name.trim())}>
            Go on as {name.trim() || LOCAL}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
