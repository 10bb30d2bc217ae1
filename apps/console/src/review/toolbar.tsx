import { Button } from '../ui/button';
import { Act } from '../ui/act';
import { FORM_VERDICTS, type FormVerdict } from '../verdicts/looks';
import type { Claim } from './decision/claim';
import type { Form } from './decision/delivery';

/** Ways to look at a job, each switched on or off. */
export type View = Record<'diff' | 'raw' | 'result' | 'history', boolean>;

interface ToolbarProps {
  editing: boolean;
  form: Form | null;
  view: View;
  claim: Claim;
  /** Why nothing can be decided now; null: it can. */
  why: string | null;
  /** Why the answer cannot be changed or sent back now; null: it can. */
  whyNoChange: string | null;
  /** Why nobody can claim the job now. */
  whyNoClaim: string | null;
  /** Whether the answer has just appeared, so that no key may decide on it yet. */
  isFresh: boolean;
  /** What the decision would do, or that it is being sent. */
  consequence: string | null;
  onApprove: () => void;
  onEdit: () => void;
  onSave: () => void;
  onStopEdit: () => void;
  onForm: (form: Form) => void;
  onFlip: (name: keyof View) => void;
}

/** Everything that one can do with a job, each with its key. */
export function Toolbar(props: ToolbarProps) {
  const { editing, form, view, claim, why, whyNoChange, whyNoClaim, consequence, onForm, onFlip } = props;
  // The open form has the keys.
  const isBehind = form !== null;
  return (
    <div
      role="toolbar"
      aria-label="What you can do"
      aria-busy={props.isFresh}
      className={`order-2 flex shrink-0 flex-wrap items-center gap-1.5 border-t border-line bg-panel px-4 py-2 tight:gap-1 tight:py-1 tight:[&_.button]:px-1.5 tight:[&_.button]:py-1 ${form === null ? '' : 'tight:hidden'}`}
    >
      <p role="status" className="w-full text-dim empty:hidden">
        {consequence}
      </p>
      {editing ? (
        <>
          <Act command="save" look="good" onAct={props.onSave} why={whyNoChange} disabled={isBehind}>
            Save and approve
          </Act>
          <Button title="Discard the edit" onClick={props.onStopEdit}>
            Discard
          </Button>
        </>
      ) : (
        <>
          <Act command="approve" look="good" onAct={props.onApprove} why={why} disabled={isBehind}>
            Approve
          </Act>
          <Act command="edit" onAct={props.onEdit} why={whyNoChange} disabled={isBehind}>
            Edit
          </Act>
        </>
      )}
      {Object.entries(FORM_VERDICTS).map(([verdict, { label, look, afterVote }]) => (
        <Act
          key={verdict}
          command={verdict as FormVerdict}
          look={look}
          onAct={() => onForm(verdict as FormVerdict)}
          why={afterVote ? whyNoChange : why}
          pressed={form === verdict}
        >
          {label}
        </Act>
      ))}
      <span className="mx-1 h-5 border-l border-line max-sm:hidden" />
      <Act command="note" look="quiet" onAct={() => onForm('note')} pressed={form === 'note'}>
        Note
      </Act>
      <Act
        command="claim"
        look="quiet"
        why={whyNoClaim}
        onAct={() => void (claim.state === 'mine' ? claim.release() : claim.take())}
      >
        {claim.state === 'mine' ? 'Release' : 'Claim'}
      </Act>
      <Act command="diff" look="quiet" onAct={() => onFlip('diff')} pressed={view.diff}>
        Diff
      </Act>
      <Act command="raw" look="quiet" onAct={() => onFlip('raw')} pressed={view.raw}>
        Raw
      </Act>
      <Act command="result" look="quiet" onAct={() => onFlip('result')} pressed={view.result}>
        Result
      </Act>
      <Act command="history" look="quiet" onAct={() => onFlip('history')} pressed={view.history}>
        History
      </Act>
    </div>
  );
}
