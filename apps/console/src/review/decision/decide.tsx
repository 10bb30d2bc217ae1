import { useIsMutating, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { api, dataOf, type Decision, type Review } from '../../api/client';
import { ApiError, messageOf } from '../../api/problem';
import { bodyOf } from '../../api/verbatim';
import { BASE } from '../../api/base';
import { Button } from '../../ui/button';
import { Act } from '../../ui/act';
import type { Filters } from '../../queue/filters';
import { dropFromQueue, holdInQueue, nextJob } from '../../queue/queue-data';
import { reviewer } from '../../api/reviewer';
import { tell } from '../../ui/messages';
import { clip } from '../../text/hygiene';
import { duration, timeOfDay } from '../../text/time';
import { LOOKS } from '../../verdicts/looks';
import { votesLeft } from '../../verdicts/votes';
import { titleOf } from '../request/title';
import { forgetDraft } from '../draft/kept-draft';
import { claimed } from './claim';
import { reviewQuery } from '../../api/review-queries';
import { forgetWords } from './words';

/** How long a reviewer can take a decision back, in milliseconds: nobody asks whether they mean it. */
const UNDO_MS = 5000;
/** Tries again while the server is away: after half a second, then one, two. */
const MAX_RETRIES = 3;
/** How long a decision that failed behind one's back is told, in milliseconds. */
const FAILURE_STAYS = 60_000;
/** Characters of a job's title that such a message has. */
const MAX_TITLE_LENGTH = 60;

const decisionKey = (jobId: string): string => `hitl.decision.${jobId}`;

/** The id of this very decision: trying again after a lost answer, even after a reload, decides nothing twice. */
function idOf(jobId: string, revision: number, decision: Decision): string {
  const key = decisionKey(jobId);
  const content = `${revision} ${bodyOf(decision)}`;
  try {
    const [known, id] = JSON.parse(sessionStorage.getItem(key) ?? '[]') as string[];
    if (known === content && id !== undefined) return id;
  } catch {
    // Somebody else's: a new one then.
  }
  const id = crypto.randomUUID();
  try {
    sessionStorage.setItem(key, JSON.stringify([content, id]));
  } catch {
    // Too large to be kept: only a retry after a reload would be a new decision.
  }
  return id;
}

/** What was written for jobs whose decision can still be undone, until it is forgotten. */
const forgetting = new Map<string, ReturnType<typeof setTimeout>>();

function forgetIn(id: string, ms: number): void {
  const forget = (): void => {
    forgetting.delete(id);
    forgetDraft(id);
    forgetWords(id);
  };
  forgetting.set(id, setTimeout(forget, ms));
}

/** Takes one's decision on a job back, and opens the job again. Answers whether it could. */
export function useUndo(id: string, filters: Filters): () => Promise<boolean> {
  const client = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    try {
      const answer = await dataOf(api.DELETE('/v1/reviews/{id}/decision', { params: { path: { id } } }));
      clearTimeout(forgetting.get(id));
      // The next decision is another one, even if it says the same.
      sessionStorage.removeItem(decisionKey(id));
      client.setQueryData(reviewQuery(id).queryKey, answer);
      holdInQueue(client, id, null);
      tell({ text: 'Undone. It waits again.' });
      void navigate({ to: '/review/$id', params: { id }, search: filters });
      return true;
    } catch (error) {
      tell({ text: `Not undone. ${messageOf(error)}`, tone: 'bad' });
      return false;
    }
  };
}

/** A decision, and the answer that it judges. */
export interface Judgement {
  decision: Decision;
  revision: number;
}

/** Whether a decision on a job is being sent, from this page or an earlier look at it. */
export function useDeciding(id: string): boolean {
  return useIsMutating({ mutationKey: ['decide', id] }) > 0;
}

/** Decides, and opens the next job unless one has gone elsewhere meanwhile. */
export function useDecide(review: Review, filters: Filters) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const router = useRouter();
  const { id } = review;
  const undo = useUndo(id, filters);
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);

  const tellFailure = (error: unknown): void => {
    const dismiss = tell({
      text: `Not decided: ${clip(titleOf(review), MAX_TITLE_LENGTH).text}. ${refusalOf(error)}`,
      tone: 'bad',
      until: Date.now() + FAILURE_STAYS,
      action: (
        <Button
          onClick={() => {
            dismiss();
            void navigate({ to: '/review/$id', params: { id }, search: filters });
          }}
        >
          Open it
        </Button>
      ),
    });
  };

  return useMutation({
    mutationKey: ['decide', id],
    mutationFn: async ({ decision, revision }: Judgement) => {
      await claimed(id);
      return dataOf(
        api.POST('/v1/reviews/{id}/decision', {
          params: { path: { id }, header: { 'If-Match': `"${revision}"` } },
          body: { ...decision, id: idOf(id, revision, decision), undo_ms: UNDO_MS },
        }),
      );
    },
    retry: (count, error) => count < MAX_RETRIES && error instanceof ApiError && error.isPassing,
    retryDelay: (count) => 500 * 2 ** count,
    onSuccess: async (decided, { decision: { verdict } }) => {
      const next = await nextJob(client, filters, id, reviewer()).catch(() => null);
      sessionStorage.removeItem(decisionKey(id));
      client.setQueryData(reviewQuery(id).queryKey, decided);
      const { held } = decided.review;
      // Both are the server's: this machine's clock may be wrong.
      const left = held ? Date.parse(held.until) - Date.parse(decided.updated_at) : 0;
      forgetIn(id, left);
      if (held) holdInQueue(client, id, held);
      else dropFromQueue(client, [id]);
      const vote = votesLeft(review.review, verdict) > 1 ? `: one vote of ${review.review.approvals}` : '';
      const dismiss = tell({
        text: `${LOOKS[verdict].done}${vote}.${held ? ` It takes effect in ${duration(left)}.` : ''}`,
        ...(held && {
          until: Date.now() + left,
          action: (
            <Act
              command="undo"
              onAct={() => {
                void undo().then((isUndone) => {
                  if (isUndone) dismiss();
                });
              }}
            >
              Undo
            </Act>
          ),
        }),
      });
      if (router.history.location.pathname !== `${BASE}/review/${id}`) return;
      await (next === null
        ? navigate({ to: '/queue', search: filters })
        : navigate({ to: '/review/$id', params: { id: next }, search: filters }));
    },
    onError: (error) => {
      if (!isShown.current) tellFailure(error);
      // Somebody was first, or the answer has changed: what is there now tells more than the refusal.
      if (error instanceof ApiError && (error.status === 409 || error.status === 412)) {
        void client.invalidateQueries(reviewQuery(id));
      }
      // Its id is used up; a decision that is made now is a new one.
      if (error instanceof ApiError && error.code === 'idempotency_conflict')
        sessionStorage.removeItem(decisionKey(id));
    },
  });
}

/** A refusal, told calmly: what happened and what to do. */
export function refusalOf(error: unknown): string {
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.status === 0)
    return 'The server cannot be reached. Nothing is lost: decide again when it is back.';
  const { decision, held, claim } = (error.problem?.current ?? {}) as {
    decision?: { by: string; verdict: string } | null;
    held?: { by: string; verdict: string; until: string } | null;
    claim?: { by: string } | null;
  };
  switch (error.code) {
    case 'already_decided':
    case 'job_not_waiting':
      if (held)
        return `${held.by} was first: ${held.verdict}, which takes effect at ${timeOfDay(held.until)} unless it is undone. Yours was not counted.`;
      return decision
        ? `${decision.by} was first: ${decision.verdict}. Yours was not counted.`
        : error.message;
    case 'revision_mismatch':
      return 'The response has changed since you saw it. Look at the new one, then decide.';
    case 'claimed':
      return `${claim?.by ?? 'Another reviewer'} has this job now. Nothing was decided.`;
    default:
      return error.message;
  }
}
