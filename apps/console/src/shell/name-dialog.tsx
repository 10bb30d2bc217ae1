import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { messageOf } from '../api/problem';
import { reviewer, toName, useReviewer } from '../api/reviewer';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { rename } from './naming';

/** Asks once who reviews: decisions and claims carry the name. */
export function NameDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const { state } = useReviewer();
  const [text, setText] = useState(reviewer());
  const name = toName(text);
  const choose = useMutation({
    mutationFn: (chosen: string) => rename(client, chosen),
    onSuccess: (isTaken) => {
      if (isTaken) onClose();
    },
  });
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (name !== null && !choose.isPending) choose.mutate(name);
  };
  const fault = choose.error
    ? messageOf(choose.error)
    : (choose.data === false || (name === null && text.trim() !== '')) &&
      'The server does not accept this name: choose another one.';
  return (
    <Dialog
      title="Who are you?"
      onClose={() => {
        if (state === 'named') onClose();
        else choose.mutate(reviewer());
      }}
    >
      <form className="flex flex-col gap-3" onSubmit={submit}>
        <label className="flex flex-col gap-1">
          <span className="text-dim">
            The name that your claims, decisions and drafts carry. It stays in this browser; change it at the
            top right.
          </span>
          <input
            className="field"
            value={text}
            maxLength={128}
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => {
              setText(event.target.value);
              choose.reset();
            }}
            aria-invalid={name === null || fault !== false}
            aria-describedby="name-rule name-fault"
          />
          <span id="name-rule" className="text-xs text-dim">
            1 to 128 characters in any script
          </span>
        </label>
        <p id="name-fault" role="alert" className="text-bad empty:hidden">
          {fault}
        </p>
        <div className="flex justify-end gap-2">
          <Button type="submit" look="accent" disabled={name === null}>
            Go on as {name ?? reviewer()}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
