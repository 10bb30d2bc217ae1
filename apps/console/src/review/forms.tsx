import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Decision } from '../api/client';
import { Act } from '../keys/act';
import { useDigits } from '../keys/use-keys';
import { useReasons } from './reasons';

/** Characters that the gateway takes in one text. */
const LONGEST_TEXT = 10_000;

function Sheet({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section
      aria-label={title}
      className="flex max-h-[50vh] shrink-0 flex-col gap-3 overflow-auto border-t border-line bg-panel px-4 py-3"
    >
      <h2 className="font-semibold">{title}</h2>
      {children}
    </section>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  focused?: boolean;
}

function Field({ label, value, onChange, focused = false }: FieldProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focused) area.current?.focus();
  }, [focused]);
  return (
    <label className="flex flex-1 flex-col gap-1">
      <span className="text-dim">{label}</span>
      <textarea
        ref={area}
        className="field"
        rows={3}
        maxLength={LONGEST_TEXT}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

interface FormProps {
  busy: boolean;
  onCancel: () => void;
  onDecide: (decision: Decision) => void;
}

/** Why nothing is delivered: a reason by its number, and words where they help. */
export function RejectForm({ busy, onCancel, onDecide }: FormProps) {
  const reasons = useReasons();
  const [code, setCode] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [message, setMessage] = useState('');
  useDigits((digit) => {
    const chosen = reasons[digit - 1];
    if (chosen) setCode(chosen.code);
  });
  const go = (): void =>
    onDecide({
      verdict: 'reject',
      ...(code !== null && { reason_code: code }),
      ...(reason !== '' && { reason }),
      ...(message !== '' && { submitter_message: message }),
    });
  return (
    <Sheet title="Reject: nothing is delivered">
      <div role="radiogroup" aria-label="Reason" className="flex flex-wrap gap-2">
        {reasons.map(({ code: each, label }, index) => (
          <button
            key={each}
            type="button"
            role="radio"
            aria-checked={code === each}
            className={`button ${code === each ? '!border-accent !bg-chosen' : ''}`}
            onClick={() => setCode(code === each ? null : each)}
          >
            {label} {index < 9 && <kbd aria-hidden="true">{index + 1}</kbd>}
          </button>
        ))}
      </div>
      <div className="flex flex-wrap gap-3">
        <Field label="Why, for reviewers and auditors" value={reason} onChange={setReason} />
        <Field label="What the submitter may read" value={message} onChange={setMessage} />
      </div>
      <div className="flex gap-2">
        <Act command="save" look="bad" onAct={go} disabled={busy}>
          Reject
        </Act>
        <Act command="leave" look="quiet" onAct={onCancel}>
          Not now
        </Act>
      </div>
    </Sheet>
  );
}

/** What the model should do differently. */
export function RegenerateForm({ busy, onCancel, onDecide }: FormProps) {
  const [feedback, setFeedback] = useState('');
  return (
    <Sheet title="Ask the model again">
      <Field label="What it should do differently" value={feedback} onChange={setFeedback} focused />
      <div className="flex gap-2">
        <Act
          command="save"
          look="good"
          disabled={busy}
          onAct={() => onDecide({ verdict: 'regenerate', ...(feedback !== '' && { feedback }) })}
        >
          Ask again
        </Act>
        <Act command="leave" look="quiet" onAct={onCancel}>
          Not now
        </Act>
      </div>
    </Sheet>
  );
}

/** A note for reviewers and auditors; it decides nothing. */
export function NoteForm({
  busy,
  onCancel,
  onNote,
}: {
  busy: boolean;
  onCancel: () => void;
  onNote: (text: string) => void;
}) {
  const [text, setText] = useState('');
  return (
    <Sheet title="Note">
      <Field
        label="For reviewers and auditors; the submitter never reads it"
        value={text}
        onChange={setText}
        focused
      />
      <div className="flex gap-2">
        <Act command="save" look="good" disabled={busy || text.trim() === ''} onAct={() => onNote(text)}>
          Leave the note
        </Act>
        <Act command="leave" look="quiet" onAct={onCancel}>
          Not now
        </Act>
      </div>
    </Sheet>
  );
}
