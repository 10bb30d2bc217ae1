import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, dataOf, type Review } from '../api/client';
import { ApiError } from '../api/problem';
import { reviewer } from '../reviewer';
import { useNow } from '../text/clock';
import { reviewQuery } from './review-data';

/** The last part of a claim, in which an idle reviewer is warned; no longer than this, in milliseconds. */
const WARNING = 60_000;
/** Whoever only passes by claims nothing: how long one looks before, in milliseconds. */
const LOOK = 300;

export interface Claim {
  /** mine: until it ends. theirs: somebody else has it. none: nobody. refused: I may not have it. */
  state: 'mine' | 'theirs' | 'none' | 'refused';
  by: string | null;
  /** Milliseconds that are left. */
  left: number;
  /** Whether it ends soon, because nobody has moved. */
  endsSoon: boolean;
  refusal: ApiError | null;
  take: () => Promise<void>;
  release: () => Promise<void>;
}

/**
 * Claims the job while it is open, renews the claim while one is active, and gives it back on leaving.
 * @param deciding whether a decision is being sent: it needs no claim, and none may come after it
 */
export function useClaim(review: Review, deciding: boolean): Claim {
  const client = useQueryClient();
  const now = useNow();
  const { id, status } = review;
  const { claim } = review.review;
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const [released, setReleased] = useState(false);
  const latest = useRef({ review, released, deciding, asking: false });
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
    setReleased(false);
    const asking = dataOf(api.PUT('/v1/reviews/{id}/claim', { params: { path: { id } } }));
    asked.current = asking.catch(() => null);
    try {
      const answer = await asking;
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
    }
  }, [client, id]);

  const release = useCallback(async () => {
    setReleased(true);
    await dataOf(api.DELETE('/v1/reviews/{id}/claim', { params: { path: { id } } }));
    await client.invalidateQueries(reviewQuery(id));
  }, [client, id]);

  const [hasLooked, setHasLooked] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setHasLooked(true), LOOK);
    return () => {
      clearTimeout(timer);
    };
  }, []);

  const waits = status === 'human' && review.review.held === null;
  useEffect(() => {
    if (!waits || !hasLooked || latest.current.deciding) return;
    const held = latest.current.review.review.claim;
    const isTheirs = held !== null && held.by !== reviewer() && Date.parse(held.until) > Date.now();
    if (!isTheirs) void take();
  }, [waits, hasLooked, take]);

  // Whoever moves is still there.
  useEffect(() => {
    const renew = (): void => {
      const { review: shown, released: given } = latest.current;
      const held = shown.review.claim;
      if (shown.status !== 'human' || shown.review.held !== null || given) return;
      if (held !== null && held.by !== reviewer() && Date.parse(held.until) > Date.now()) return;
      const length = held === null ? 0 : Date.parse(held.until) - Date.parse(held.since);
      const left = held === null ? 0 : Date.parse(held.until) - Date.now();
      if (left < Math.min(length / 2, 2.5 * WARNING)) void take();
    };
    const events = ['keydown', 'pointerdown', 'pointermove'] as const;
    for (const event of events) document.addEventListener(event, renew, { passive: true });
    return () => {
      for (const event of events) document.removeEventListener(event, renew);
    };
  }, [take]);

  useEffect(
    () => () => {
      const release = async (): Promise<void> => {
        // What is known now: a decision may have been made since the last look at the page.
        const left = client.getQueryData(reviewQuery(id).queryKey);
        if (left?.status !== 'human' || left.review.held !== null) return;
        const { claim: last } = ((await asked.current) ?? left).review;
        if (last?.by !== reviewer()) return;
        // Nobody waits for the answer; if it is lost, the claim ends by itself.
        await api.DELETE('/v1/reviews/{id}/claim', { params: { path: { id } }, keepalive: true });
      };
      release().catch(() => undefined);
    },
    [client, id],
  );

  const left = claim === null ? 0 : Date.parse(claim.until) - now;
  const isLive = claim !== null && left > 0;
  const isMine = isLive && claim.by === reviewer();
  return {
    state: isMine ? 'mine' : isLive ? 'theirs' : refusal && refusal.code !== 'claimed' ? 'refused' : 'none',
    by: isLive ? claim.by : null,
    left,
    endsSoon: isMine && left < Math.min(WARNING, (Date.parse(claim.until) - Date.parse(claim.since)) / 4),
    refusal,
    take,
    release,
  };
}
