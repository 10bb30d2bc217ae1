import { useQuery } from '@tanstack/react-query';
import type { History, Review } from '../api/client';
import type { UnionOf } from '../api/unions';
import type { JsonSource } from '../json/source';
import { Failed, Loading } from '../ui/states';
import { clip, visible } from '../text/hygiene';
import { moment } from '../text/time';
import { editable } from './response/answer';
import { UseAnswer } from './decision/restore';
import { historyQuery } from '../api/review-queries';

/** Characters of an output that the history shows. */
const MAX_OUTPUT_LENGTH = 20_000;

interface HistoryPanelProps {
  id: string;
  version: string;
  /** The job, where its earlier answers can be taken again. */
  review?: Review;
}

/** All that happened to a job, newest first: outputs with their diffs, verdicts, notes. */
export function HistoryPanel({ id, version, review }: HistoryPanelProps) {
  const { data, error, refetch } = useQuery(historyQuery(id, version));
  if (error) return <Failed error={error} reset={() => void refetch()} />;
  if (!data) return <Loading what="the history" />;
  return (
    <section aria-label="History" className="flex flex-col gap-3">
      <h2 className="font-semibold">History</h2>
      {data.truncated && <p className="text-warn">Older events are left out: these are the newest 500.</p>}
      <ol className="flex flex-col gap-2">
        {entriesOf(data).map((entry) => (
          <li key={entry.key} className="panel flex flex-col gap-1 px-3 py-2">
            <div className="flex flex-wrap gap-x-2">
              <span className="font-medium">{entry.title}</span>
              <span className="text-dim">
                by <bdi>{visible(entry.by)}</bdi>
              </span>
              <time className="ml-auto text-dim" dateTime={entry.at}>
                {moment(entry.at)}
              </time>
            </div>
            {entry.lines.map((line) => (
              <p key={line} className="as-written" dir="auto">
                {visible(line)}
              </p>
            ))}
            {entry.diff !== null && <DiffText diff={entry.diff} />}
            {entry.output !== null && <Output response={entry.output} />}
            {review && entry.revision !== null && isEarlier(review, entry.revision) && (
              <div>
                <UseAnswer review={review} revision={entry.revision}>
                  Use this response
                </UseAnswer>
              </div>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

interface Entry {
  key: string;
  at: string;
  by: string;
  title: string;
  lines: string[];
  diff: string | null;
  output: JsonSource | null;
  /** Of an answer, its number. */
  revision: number | null;
}

/** Whether an answer does not wait for a decision already. */
const isEarlier = ({ status, revision }: Review, other: number): boolean =>
  status === 'bot' || other !== revision;

/** Events that outputs and verdicts tell better. */
const TOLD_ELSEWHERE = new Set<UnionOf<'JobEventType'>>([
  'inferred',
  'edited',
  'restored',
  'decided',
  'voted',
  'regenerated',
  'retried',
]);

function entriesOf({ outputs, decisions, events }: History): Entry[] {
  const entries: Entry[] = [
    ...outputs.map((output) => ({
      key: `response ${output.revision}`,
      at: output.at,
      by: output.by,
      title: `Response ${output.revision}${output.restored_revision === null ? '' : `: response ${output.restored_revision} again`}`,
      revision: output.revision,
      lines: [],
      diff: output.text_diff,
      output: output.text_diff === null ? output.response : null,
    })),
    ...decisions.map((decision) => ({
      key: `decision ${decision.id}`,
      at: decision.at,
      by: decision.actor,
      title: `${decision.verdict} of response ${decision.revision}${decision.final ? '' : decision.shadow ? ' (for the record only)' : ' (a vote)'}${decision.automatic ? `, by rule ${decision.rule ?? ''}` : ''}`,
      lines: [
        decision.reason_code,
        decision.reason,
        decision.feedback === null ? null : `Feedback: ${decision.feedback}`,
        decision.submitter_message === null ? null : `To the submitter: ${decision.submitter_message}`,
        decision.policy_hash === null ? null : `Policy ${decision.policy_hash.slice(0, 8)}`,
      ].filter((line) => line !== null),
      diff: null,
      output: null,
      revision: null,
    })),
    ...events
      .filter(({ type }) => !TOLD_ELSEWHERE.has(type))
      .map((event, index) => ({
        key: `event ${index}`,
        at: event.at,
        by: event.actor,
        title: event.type.replaceAll('_', ' '),
        lines: [event.data?.text, event.data?.detail, event.type === 'erased' && event.data?.reason].filter(
          (line) => typeof line === 'string',
        ),
        diff: null,
        output: null,
        revision: null,
      })),
  ];
  return entries.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

function Output({ response }: { response: JsonSource }) {
  const { text, cut } = clip(editable(response).text, MAX_OUTPUT_LENGTH);
  return (
    <details>
      <summary className="cursor-pointer text-accent">What it said</summary>
      <pre dir="auto" className="mono as-written max-h-80 overflow-auto" tabIndex={0}>
        {visible(text)}
        {cut && ' … cut'}
      </pre>
    </details>
  );
}

const LINE_LOOK: Record<string, string> = {
  '+': 'text-good',
  '-': 'text-bad',
  '@': 'text-dim',
};

/** A unified diff against the model's output; the signs tell what the colours do. */
function DiffText({ diff }: { diff: string }) {
  const { text } = clip(diff, MAX_OUTPUT_LENGTH);
  // The file's end matters to a patch, not to a reader.
  const lines = text
    .trimEnd()
    .split('\n')
    .slice(4)
    .filter((line) => !line.startsWith('\\'));
  return (
    <pre
      className="mono max-h-80 overflow-auto whitespace-pre-wrap"
      tabIndex={0}
      aria-label="Difference from the model's response"
    >
      {lines.map((line, index) => (
        <span
          key={index}
          dir="auto"
          className={`block [overflow-wrap:anywhere] ${LINE_LOOK[line.charAt(0)] ?? ''}`}
        >
          {visible(line) || ' '}
        </span>
      ))}
    </pre>
  );
}
