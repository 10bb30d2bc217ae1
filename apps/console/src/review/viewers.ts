import { useEffect, useState } from 'react';
import { api, dataOf } from '../api/client';
import { followViewers } from '../api/live';
import { reviewer } from '../api/reviewer';

/** Whoever only passes by tells nobody: how long one looks before it is told, in milliseconds. */
const FIRST = 300;
/** How often it is told again, in milliseconds; the gateway forgets after 25 s. */
const AGAIN = 10_000;

/** Tells the others that this reviewer looks at a job. @returns who else does */
export function useViewers(id: string): string[] {
  const [others, setOthers] = useState<string[]>([]);
  useEffect(() => {
    const params = { path: { id } };
    let told: Promise<void> | undefined;
    let left = false;
    const show = (viewers: string[]): void => {
      if (!left) setOthers(viewers.filter((name) => name !== reviewer()));
    };
    const look = (): void => {
      if (document.hidden) return;
      told = dataOf(api.PUT('/v1/reviews/{id}/viewers', { params }))
        .then(({ viewers }) => show(viewers))
        .catch(() => undefined);
    };
    const first = setTimeout(look, FIRST);
    const again = setInterval(look, AGAIN);
    const unfollow = followViewers((job, viewers) => {
      if (job === id) show(viewers);
    });
    const leave = (): void => {
      // Nobody waits for the answer; if it is lost, the gateway forgets by itself.
      api.DELETE('/v1/reviews/{id}/viewers', { params, keepalive: true }).catch(() => undefined);
    };
    const onHide = (): void => {
      if (told) leave();
    };
    document.addEventListener('visibilitychange', look);
    window.addEventListener('pagehide', onHide);
    return () => {
      left = true;
      clearTimeout(first);
      clearInterval(again);
      unfollow();
      document.removeEventListener('visibilitychange', look);
      window.removeEventListener('pagehide', onHide);
      void told?.then(leave);
    };
  }, [id]);
  return others;
}
