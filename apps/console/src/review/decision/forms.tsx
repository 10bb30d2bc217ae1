import { useLayoutEffect, useRef, type ReactNode, type RefObject } from 'react';
import type { Decision } from '../../api/client';
import { Act } from '../../ui/act';
import { useTypedInto } from '../../keys/use-keys';
import type { FormVerdict } from '../../verdicts/looks';
import { ReasonChoice } from '../../verdicts/reason-choice';
import type { Words } from './words';

/** Characters that the gateway takes in one text. */
const MAX_TEXT_LENGTH = 10_000;

const DECIDING = 'This is being decided.';

interface SheetProps {
  title: string;
  /** What its first button does. */
  does: string;
  look?: 'good' | 'bad';
  /** Why it cannot be done now; null: it can. */
  why: string | null;
  onDo: () => void;
  onCancel: () => void;
  children: ReactNode;
}

/** A form below the answer, which stays in sight. */
function Sheet({ title, does, look = 'good', why, onDo, onCancel, children }: SheetProps) {
  const sheet = useRef<HTMLElement>(null);
  // On a small screen the answer moves up to make room, and is still what one sees above the form.
  useLayoutEffect(() => {
    document.getElementById('answer')?.scrollIntoView({ block: 'start' });
    sheet.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  return (
    <section
      aria-label={title}
      ref={sheet}
      className="order-2 flex max-h-[50vh] shrink-0 flex-col gap-3 tight:gap-1.5 tight:py-2 overflow-auto border-t border-line bg-panel px-4 py-3"
    >
      <h2 className="font-semibold">{title}</h2>
      {children}
      <div className="flex gap-2">
        <Act command="save" look={look} onAct={onDo} why={why}>
          {does}
        </Act>
        <Act command="leave" look="quiet" onAct={onCancel}>
          Not now
        </Act>
      </div>
    </section>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  focused?: boolean;
  field?: RefObject<HTMLTextAreaElement | null>;
}

function Field({ label, value, onChange, focused = false, field }: FieldProps) {
  const own = useRef<HTMLTextAreaElement>(null);
  const area = field ?? own;
  // Before the next key: what is typed next belongs in here.
  useLayoutEffect(() => {
    if (focused) area.current?.focus();
  }, [focused, area]);
  return (
    <label className="flex min-w-0 flex-1 basis-48 flex-col gap-1">
      <span className="text-dim">{label}</span>
      <textarea
        ref={area}
        dir="auto"
        className="field tight:h-14"
        rows={3}
        maxLength={MAX_TEXT_LENGTH}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

interface FormProps {
  /** What one has written so far, in these forms and before. */
  words: Words;
  onWords: (change: Partial<Words>) => void;
  busy: boolean;
  onCancel: () => void;
}

type DecisionFormProps = FormProps & { onDecide: (decision: Decision) => void };

/** Why nothing is delivered: a reason by its number, and words where they help. */
function RejectForm({ words, onWords, busy, onCancel, onDecide }: DecisionFormProps) {
  const { code, reason, message } = words;
  const why = useRef<HTMLTextAreaElement>(null);
  // A digit is a reason; a letter begins the words.
  useTypedInto(why);
  const go = (): void =>
    onDecide({
      verdict: 'reject',
      ...(code !== null && { reason_code: code }),
      ...(reason !== '' && { reason }),
      ...(message !== '' && { submitter_message: message }),
    });
  return (
    <Sheet
      title="Reject: nothing is delivered"
      does="Reject"
      look="bad"
      why={busy ? DECIDING : null}
      onDo={go}
      onCancel={onCancel}
    >
      <ReasonChoice code={code} onChange={(next) => onWords({ code: next })} />
      <div className="flex flex-wrap gap-3">
        <Field
          field={why}
          label="Why, for reviewers and auditors"
          value={reason}
          onChange={(next) => onWords({ reason: next })}
        />
        <Field
          label="What the submitter may read"
          value={message}
          onChange={(next) => onWords({ message: next })}
        />
      </div>
    </Sheet>
  );
}

/** What the model should do differently. */
function RegenerateForm({ words, onWords, busy, onCancel, onDecide }: DecisionFormProps) {
  const { feedback } = words;
  return (
    <Sheet
      title="Ask the model again"
      does="Ask again"
      why={busy ? DECIDING : null}
      onDo={() => onDecide({ verdict: 'regenerate', ...(feedback !== '' && { feedback }) })}
      onCancel={onCancel}
    >
      <Field
        label="What it should do differently"
        value={feedback}
        onChange={(next) => onWords({ feedback: next })}
        focused
      />
    </Sheet>
  );
}

/** The form of each verdict that has one. */
export const FORMS: Record<FormVerdict, (props: DecisionFormProps) => ReactNode> = {
  reject: RejectForm,
  regenerate: RegenerateForm,
};

/** A note for reviewers and auditors; it decides nothing. */
export function NoteForm({ words, onWords, busy, onCancel, onNote }: FormProps & { onNote: () => void }) {
  const { note } = words;
  return (
    <Sheet
      title="Note"
      does="Add the note"
      why={busy ? 'The note is being saved.' : note.trim() === '' ? 'Write the note first.' : null}
      onDo={onNote}
      onCancel={onCancel}
    >
      <Field
        label="For reviewers and auditors; the submitter never reads it"
        value={note}
        onChange={(next) => onWords({ note: next })}
        focused
      />
    </Sheet>
  );
}
