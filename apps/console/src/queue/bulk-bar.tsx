import { useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf, type BulkDecision, type ReviewSummary } from '../api/client';
import { ApiError, messageOf } from '../api/problem';
import { Act } from '../keys/act';
import { ReasonChoice } from '../review/reason-choice';
import { useReasons } from '../review/reasons';
import { tell } from '../shell/messages';
import { duration } from '../text/time';
import { dropFromQueue, holdInQueue } from './queue-data';

/** Decisions that one request takes. */
const MOST_AT_ONCE = 200;
/** How long many decisions can be taken back, in milliseconds: there is more to look at than after one. */
const UNDO_MS = 10_000;
/** Decisions that are taken back side by side. */
const UNDONE_AT_ONCE = 8;

type Verdict = 'approve' | 'reject';

/** Decides on many jobs: asks once, sends them in bundles, tells what was refused and why. */
export function BulkBar({ rows, onDone }: { rows: ReviewSummary[]; onDone: () => void }) {
  const client = useQueryClient();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [reasonCode, setReasonCode] = useState<string | null>(null);
  // Asked for before one rejects: a number must not mean another reason a moment later.
  useReasons();
  const decide = useMutation({
    mutationFn: async (decisions: BulkDecision[]) => {
      const refused = new Map<string, number>();
      const held: string[] = [];
      let done = 0;
      let until = Infinity;
      for (let from = 0; from < decisions.length; from += MOST_AT_ONCE) {
        const body = { decisions: decisions.slice(from, from + MOST_AT_ONCE) };
        const { results } = await dataOf(api.POST('/v1/reviews/decisions', { body }));
        for (const { job_id, job, problem } of results) {
          if (problem) refused.set(problem.title, (refused.get(problem.title) ?? 0) + 1);
          else done += 1;
          if (job?.review.held) {
            held.push(job_id);
            holdInQueue(client, job_id, job.review.held);
            // Both are the server's: this machine's clock may be wrong.
            const left = Date.parse(job.review.held.until) - Date.parse(job.updated_at);
            until = Math.min(until, Date.now() + left);
          } else if (job) dropFromQueue(client, job_id);
        }
      }
      return { done, refused: [...refused], held, until };
    },
    onSuccess: ({ done, refused, held, until }, [first]) => {
      const verb = first?.verdict === 'approve' ? 'Approved' : 'Rejected';
      const take =
        held.length === 0
          ? tell({ text: `${verb}: ${done}.` })
          : tell({
              text: `${verb}: ${done}. ${done === 1 ? 'It takes' : 'They take'} effect in ${duration(until - Date.now())}.`,
              until,
              action: (
                <Act
                  command="undo"
                  onAct={() => {
                    take();
                    void undoAll(client, held);
                  }}
                >
                  Undo
                </Act>
              ),
            });
      for (const [why, count] of refused) tell({ text: `Not decided: ${count}. ${why}.`, tone: 'bad' });
      onDone();
    },
    onError: (error) => {
      tell({
        text: `${messageOf(error)} Some may be decided: the list shows what still waits.`,
        tone: 'bad',
      });
      void client.invalidateQueries({ queryKey: ['queue'] });
    },
  });
  const many = rows.length === 1 ? 'the answer' : `${rows.length} answers`;
  const alone = rows.filter(({ approvals, approved_by }) => approvals - approved_by.length > 1).length;
  const others =
    alone === 0 ? '' : ` Other people must agree before ${alone} of them ${alone === 1 ? 'is' : 'are'}.`;
  const go = (): void => {
    if (verdict === null || decide.isPending) return;
    decide.mutate(
      rows.map(({ id, revision }) => ({
        id: crypto.randomUUID(),
        job_id: id,
        revision,
        verdict,
        undo_ms: UNDO_MS,
        ...(verdict === 'reject' && reasonCode !== null && { reason_code: reasonCode }),
      })),
    );
  };
  return (
    <div
      role="region"
      aria-label="Selected jobs"
      className="flex shrink-0 flex-wrap items-center gap-2 border-t border-line bg-panel px-4 py-2"
    >
      <span className="font-medium">{rows.length} selected</span>
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
              ? `Deliver ${many} as ${rows.length === 1 ? 'it is' : 'they are'}?${others}`
              : `Reject ${many}? Nothing will be delivered.`}
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
            disabled={decide.isPending}
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

/** Takes one's decisions on these jobs back, and tells how many. */
async function undoAll(client: QueryClient, ids: string[]): Promise<void> {
  const left = [...ids];
  const refused = new Map<string, number>();
  let undone = 0;
  const undo = async (): Promise<void> => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      try {
        await dataOf(api.DELETE('/v1/reviews/{id}/decision', { params: { path: { id } } }));
        holdInQueue(client, id, null);
        undone += 1;
      } catch (error) {
        const why = error instanceof ApiError && error.problem ? `${error.problem.title}.` : messageOf(error);
        refused.set(why, (refused.get(why) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: UNDONE_AT_ONCE }, undo));
  if (undone > 0) tell({ text: `Undone: ${undone}. ${undone === 1 ? 'It waits' : 'They wait'} again.` });
  for (const [why, count] of refused) tell({ text: `Not undone: ${count}. ${why}`, tone: 'bad' });
}
