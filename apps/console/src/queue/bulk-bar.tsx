import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf, type BulkDecision, type ReviewSummary } from '../api/client';
import { messageOf } from '../api/problem';
import { Act } from '../keys/act';
import { ReasonChoice } from '../review/reason-choice';
import { useReasons } from '../review/reasons';
import { tell } from '../shell/messages';
import { dropFromQueue } from './queue-data';

/** Decisions that one request takes. */
const MOST_AT_ONCE = 200;

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
      let done = 0;
      for (let from = 0; from < decisions.length; from += MOST_AT_ONCE) {
        const body = { decisions: decisions.slice(from, from + MOST_AT_ONCE) };
        const { results } = await dataOf(api.POST('/v1/reviews/decisions', { body }));
        for (const { job_id, problem } of results) {
          if (problem) refused.set(problem.title, (refused.get(problem.title) ?? 0) + 1);
          else {
            done += 1;
            dropFromQueue(client, job_id);
          }
        }
      }
      return { done, refused: [...refused] };
    },
    onSuccess: ({ done, refused }, [first]) => {
      const verb = first?.verdict === 'approve' ? 'Approved' : 'Rejected';
      tell({ text: `${verb}: ${done}` });
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
