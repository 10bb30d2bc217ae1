import { useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf, type BulkDecision, type ReviewSummary } from '../api/client';
import { ApiError, messageOf } from '../api/problem';
import { Act } from '../ui/act';
import { votesLeft } from '../verdicts/votes';
import { ReasonChoice } from '../verdicts/reason-choice';
import { useReasons } from '../verdicts/reasons';
import { tell } from '../ui/messages';
import { duration } from '../text/time';
import { dropFromQueue, holdInQueue } from './queue-data';

/** Decisions that one request takes. */
const MAX_AT_ONCE = 200;
/** How long many decisions can be taken back, in milliseconds: there is more to look at than after one. */
const UNDO_MS = 10_000;
/** So much longer for each request that follows: all of them can be taken back once all are made. */
const UNDO_MS_MORE = 5000;
/** Decisions that are taken back side by side. */
const UNDONE_AT_ONCE = 8;

type Verdict = 'approve' | 'reject';

interface BulkBarProps {
  rows: ReviewSummary[];
  /** How many more were selected, but have another answer since. */
  changed: number;
  onDone: () => void;
}

/** Decides on many jobs: asks once, sends them in bundles, tells what was refused and why. */
export function BulkBar({ rows, changed, onDone }: BulkBarProps) {
  const client = useQueryClient();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [reasonCode, setReasonCode] = useState<string | null>(null);
  // Asked for before one rejects: a number must not mean another reason a moment later.
  useReasons();
  const decide = useMutation({
    mutationFn: (decisions: BulkDecision[]) => decideAll(client, decisions),
    onSuccess: onDone,
  });
  const many = rows.length === 1 ? 'the response' : `${rows.length} responses`;
  const votes = rows.filter((row) => verdict !== null && votesLeft(row, verdict) > 1).length;
  const others =
    votes === 0 ? '' : ` Other people must agree before ${votes} of them ${votes === 1 ? 'is' : 'are'}.`;
  const broken = verdict === 'approve' ? rows.filter((row) => row.violations > 0).length : 0;
  const warning =
    broken === 0 ? '' : ` ${broken} of them ${broken === 1 ? 'is' : 'are'} not what the request asks for.`;
  const go = (): void => {
    if (verdict === null || decide.isPending) return;
    decide.mutate(
      rows.map(({ id, revision }) => ({
        id: crypto.randomUUID(),
        job_id: id,
        revision,
        verdict,
        ...(verdict === 'reject' && reasonCode !== null && { reason_code: reasonCode }),
      })),
    );
  };
  return (
    <div
      role="region"
      aria-label="Selected jobs"
      className="order-2 flex shrink-0 flex-wrap items-center gap-2 border-t border-line bg-panel px-4 py-2"
    >
      <span className="font-medium">{rows.length} selected</span>
      {changed > 0 && (
        <span role="status" className="text-warn">
          {changed === 1 ? 'One more has' : `${changed} more have`} a new response since you selected{' '}
          {changed === 1 ? 'it' : 'them'}.
        </span>
      )}
      {verdict === null ? (
        <>
          <Act command="approve" look="good" onAct={() => setVerdict('approve')}>
            Approve {many}
          </Act>
          <Act command="reject" look="bad" onAct={() => setVerdict('reject')}>
            Reject {many}
          </Act>
          <Act command="leave" look="quiet" onAct={onDone}>
            Clear
          </Act>
        </>
      ) : (
        <>
          <span>
            {verdict === 'approve'
              ? `Deliver ${many} as ${rows.length === 1 ? 'it is' : 'they are'}?${warning}${others}`
              : `Reject ${many}? Nothing will be delivered.${others}`}
          </span>
          {verdict === 'reject' && (
            <div className="order-first w-full">
              <ReasonChoice code={reasonCode} onChange={setReasonCode} />
            </div>
          )}
          <Act
            command="open"
            look={verdict === 'approve' ? 'good' : 'bad'}
            onAct={go}
            why={decide.isPending ? 'This is being decided.' : null}
          >
            {decide.isPending ? 'Deciding …' : verdict === 'approve' ? 'Yes, approve' : 'Yes, reject'}
          </Act>
          <Act command="leave" look="quiet" onAct={() => setVerdict(null)}>
            No
          </Act>
        </>
      )}
    </div>
  );
}

/** Makes the decisions, tells of them, and offers to take back those that are held. */
async function decideAll(client: QueryClient, decisions: BulkDecision[]): Promise<void> {
  const refused = new Map<string, number>();
  const held: string[] = [];
  let done = 0;
  let until = 0;
  for (let from = 0; from < decisions.length; from += MAX_AT_ONCE) {
    const undo_ms = UNDO_MS + UNDO_MS_MORE * Math.floor((decisions.length - 1 - from) / MAX_AT_ONCE);
    const bundle = decisions.slice(from, from + MAX_AT_ONCE).map((decision) => ({ ...decision, undo_ms }));
    try {
      const { results } = await dataOf(api.POST('/v1/reviews/decisions', { body: { decisions: bundle } }));
      const gone: string[] = [];
      for (const { job_id, job, problem } of results) {
        if (problem) refused.set(problem.title, (refused.get(problem.title) ?? 0) + 1);
        if (!job) continue;
        done += 1;
        if (job.review.held) {
          held.push(job_id);
          holdInQueue(client, job_id, job.review.held);
          // Both are the server's: this machine's clock may be wrong.
          const left = Date.parse(job.review.held.until) - Date.parse(job.updated_at);
          until = Math.max(until, Date.now() + left);
        } else gone.push(job_id);
      }
      dropFromQueue(client, gone);
    } catch (error) {
      tell({
        text: `${messageOf(error)} Some may have been decided: the list shows what is waiting.`,
        tone: 'bad',
      });
      void client.invalidateQueries({ queryKey: ['queue'] });
      break;
    }
  }
  const verb = decisions[0]?.verdict === 'approve' ? 'Approved' : 'Rejected';
  if (held.length > 0) offerUndo(client, `${verb}: ${done}.`, held, until);
  else if (done > 0) tell({ text: `${verb}: ${done}.` });
  for (const [why, count] of refused) tell({ text: `Not decided: ${count}. ${why}.`, tone: 'bad' });
}

function offerUndo(client: QueryClient, text: string, held: string[], until: number): void {
  const effect = `${held.length === 1 ? 'It takes' : 'They take'} effect in ${duration(until - Date.now())}.`;
  const dismiss = tell({
    text: `${text} ${effect}`,
    until,
    action: (
      <Act
        command="undo"
        onAct={() => {
          void undoAll(client, held).then(() => {
            if (held.length === 0) dismiss();
          });
        }}
      >
        Undo
      </Act>
    ),
  });
}

/** Takes one's decisions on these jobs back, those first that take effect first. What the server did not hear of is left in `held`. */
async function undoAll(client: QueryClient, held: string[]): Promise<void> {
  const refused = new Map<string, number>();
  const missed: string[] = [];
  let undone = 0;
  const undo = async (): Promise<void> => {
    for (let id = held.shift(); id !== undefined; id = held.shift()) {
      try {
        await dataOf(api.DELETE('/v1/reviews/{id}/decision', { params: { path: { id } } }));
        holdInQueue(client, id, null);
        undone += 1;
      } catch (error) {
        if (!(error instanceof ApiError) || error.isPassing) missed.push(id);
        const why = error instanceof ApiError && error.problem ? `${error.problem.title}.` : messageOf(error);
        refused.set(why, (refused.get(why) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: UNDONE_AT_ONCE }, undo));
  held.push(...missed);
  if (undone > 0) tell({ text: `Undone: ${undone}. ${undone === 1 ? 'It waits' : 'They wait'} again.` });
  for (const [why, count] of refused) tell({ text: `Not undone: ${count}. ${why}`, tone: 'bad' });
}
