import type { Review } from '../api/client';
import { useNow } from '../store/clock';
import { visible } from '../text/hygiene';
import { age } from '../text/time';
import { useReasons } from '../verdicts/reasons';

/** Notes that are in sight at once; the history has all of them. */
const MAX_SHOWN = 2;

/** What colleagues have said about this answer, before one judges it: rejections, and the newest notes. */
export function Remarks({ review, onMore }: { review: Review; onMore: () => void }) {
  const now = useNow();
  const reasons = useReasons();
  const { notes, notes_count, votes } = review.remarks;
  const rejections = votes.filter(({ verdict }) => verdict === 'reject');
  const more = notes_count - Math.min(notes.length, MAX_SHOWN);
  if (rejections.length === 0 && notes.length === 0) return null;
  const labelOf = (code: string): string => reasons.find((each) => each.code === code)?.label ?? code;
  return (
    <section
      aria-label="What colleagues say"
      tabIndex={0}
      className="max-h-32 shrink-0 tight:max-h-16 overflow-y-auto border-b border-line bg-sunken px-4 py-1.5"
    >
      <ul className="flex flex-col gap-1">
        {rejections.map(({ by, reason_code, reason, at }) => (
          <li key={by} className="text-bad">
            <bdi className="font-medium">{visible(by)}</bdi> rejects this response
            {reason_code !== null && `: ${visible(labelOf(reason_code))}`} <Ago at={at} now={now} />
            {reason !== null && <Words text={reason} />}
          </li>
        ))}
        {notes.slice(0, MAX_SHOWN).map(({ by, text, at }, index) => (
          <li key={index}>
            Note by <bdi className="font-medium">{visible(by)}</bdi> <Ago at={at} now={now} />
            <Words text={text} />
          </li>
        ))}
      </ul>
      {more > 0 && (
        <button type="button" className="cursor-pointer text-accent underline" onClick={onMore}>
          {more === 1 ? 'One more note' : `${more} more notes`} in the history
        </button>
      )}
    </section>
  );
}

function Ago({ at, now }: { at: string; now: number }) {
  return (
    <time className="text-dim" dateTime={at}>
      ({age(at, now) || 'now'} ago)
    </time>
  );
}

function Words({ text }: { text: string }) {
  return (
    <p dir="auto" className="as-written">
      {visible(text)}
    </p>
  );
}
