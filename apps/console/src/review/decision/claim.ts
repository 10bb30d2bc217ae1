import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, dataOf, type Review } from '../../api/client';
import { ApiError } from '../../api/problem';
import { reviewer } from '../../api/reviewer';
import { useNow } from '../../store/clock';
import { reviewQuery } from '../../api/review-queries';

/** The last part of a claim, in which an idle reviewer is warned; no longer than this, in milliseconds. */
const WARNING = 60_000;
/** How long after a claim was asked for the next act may ask again, in milliseconds. */
const ASK_AGAIN = 2000;

/** The claims that were asked for and are not answered, by their jobs. */
const claiming = new Map<string, Promise<unknown>>();

/** Resolves once no claim of a job is under way: one that arrives after the decision on the job is refused. */
export async function claimed(id: string): Promise<void> {
  await claiming.get(id);
}

export interface Claim {
  /** mine: until it ends. theirs: somebody else has it. none: nobody. refused: I may not have it. */
  state: 'mine' | 'theirs' | 'none' | 'refused';
  by: string | null;
  /** Milliseconds that are left. */
  left: number;
  /** Whether it ends soon, because nobody has moved. */
  endsSoon: boolean;
  refusal: ApiError | null;
  /** Claims the job for whoever begins to judge it: looking claims nothing. */
  act: () => void;
  take: () => Promise<void>;
  release: () => Promise<void>;
}

/**
 * Claims the job on the first act, renews the claim while one is active, and gives it back on leaving, also with the tab.
 * @param deciding whether a decision is being sent: it needs no claim, and none may come after it
 */
export function useClaim(review: Review, deciding: boolean): Claim {
  const client = useQueryClient();
  const now = useNow();
  const { id } = review;
  const { claim } = review.review;
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const [released, setReleased] = useState(false);
  const latest = useRef({ review, released, deciding, asking: false, askedAt: -Infinity });
  /** Whether the claim was taken on this page: one that was taken elsewhere is not this page's to give back. */
  const taken = useRef(false);
  /** What is being answered: whether the job is claimed, nobody knows before. */
  const asked = useRef<Promise<Review | null> | null>(null);
  useEffect(() => {
    latest.current.review = review;
    latest.current.released = released;
    latest.current.deciding = deciding;
  });

  const take = useCallback(async () => {
    if (latest.current.asking) return;
    latest.current.asking = true;
    latest.current.askedAt = performance.now();
    setReleased(false);
    const asking = dataOf(api.PUT('/v1/reviews/{id}/claim', { params: { path: { id } } }));
    asked.current = asking.catch(() => null);
    claiming.set(id, asked.current);
    try {
      const answer = await asking;
      taken.current = true;
      client.setQueryData(reviewQuery(id).queryKey, answer);
      setRefusal(null);
    } catch (error) {
      if (error instanceof ApiError && !error.isPassing) {
        setRefusal(error);
        void client.invalidateQueries(reviewQuery(id));
      }
    } finally {
      latest.current.asking = false;
      asked.current = null;
      claiming.delete(id);
    }
  }, [client, id]);

  const release = useCallback(async () => {
    setReleased(true);
    taken.current = false;
    await dataOf(api.DELETE('/v1/reviews/{id}/claim', { params: { path: { id } } }));
    await client.invalidateQueries(reviewQuery(id));
  }, [client, id]);

  const act = useCallback(() => {
    const { review: shown, deciding: isSent, askedAt } = latest.current;
    if (shown.status !== 'human' || shown.review.held !== null || isSent) return;
    const held = shown.review.claim;
    const isLive = held !== null && Date.parse(held.until) > Date.now();
    if (isLive && (held.by !== reviewer() || taken.current)) return;
    if (performance.now() - askedAt > ASK_AGAIN) void take();
  }, [take]);

  // Whoever moves is still there.
  useEffect(() => {
    const renew = (): void => {
      const { review: shown, released: given } = latest.current;
      const held = shown.review.claim;
      if (shown.status !== 'human' || shown.review.held !== null || given) return;
      if (held?.by !== reviewer() || !taken.current) return;
      const length = Date.parse(held.until) - Date.parse(held.since);
      const left = Date.parse(held.until) - Date.now();
      if (left < Math.min(length / 2, 2.5 * WARNING)) void take();
    };
    const events = ['keydown', 'pointerdown', 'pointermove'] as const;
    for (const event of events) document.addEventListener(event, renew, { passive: true });
    return () => {
      for (const event of events) document.removeEventListener(event, renew);
    };
  }, [take]);

  useEffect(() => {
    const isOpen = (last: Review | null | undefined): boolean =>
      last?.status === 'human' && last.review.held === null;
    // Nobody waits for the answer; if it is lost, the claim ends by itself.
    const giveBack = async (): Promise<void> => {
      await api.DELETE('/v1/reviews/{id}/claim', { params: { path: { id } }, keepalive: true });
    };
    const { queryKey } = reviewQuery(id);
    const onHide = (): void => {
      if (!isOpen(client.getQueryData(queryKey)) || !(taken.current || latest.current.asking)) return;
      taken.current = false;
      giveBack().catch(() => undefined);
      // Where the page is only put aside, it comes back without the claim.
      client.setQueryData(queryKey, (last) => last && { ...last, review: { ...last.review, claim: null } });
    };
    window.addEventListener('pagehide', onHide);
    return () => {
      window.removeEventListener('pagehide', onHide);
      const leave = async (): Promise<void> => {
        // What is known now: a decision may have been made since the last look at the page.
        const last = (await asked.current) ?? client.getQueryData(queryKey);
        if (isOpen(client.getQueryData(queryKey)) && taken.current && last?.review.claim?.by === reviewer())
          await giveBack();
      };
      leave().catch(() => undefined);
    };
  }, [client, id]);

  const left = claim === null ? 0 : Date.parse(claim.until) - now;
  const isLive = claim !== null && left > 0;
  const isMine = isLive && claim.by === reviewer();
  return {
    state: isMine ? 'mine' : isLive ? 'theirs' : refusal && refusal.code !== 'claimed' ? 'refused' : 'none',
    by: isLive ? claim.by : null,
    left,
    endsSoon: isMine && left < Math.min(WARNING, (Date.parse(claim.until) - Date.parse(claim.since)) / 4),
    refusal,
    act,
    take,
    release,
  };
}
