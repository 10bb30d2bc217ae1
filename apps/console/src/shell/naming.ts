import type { QueryClient } from '@tanstack/react-query';
import { flushSync } from 'react-dom';
import { api, dataOf, settled } from '../api/client';
import { followChanges } from '../api/live';
import { ApiError } from '../api/problem';
import { keepName, keptName, noteAsked, reviewer, setReviewer, type Reviewer } from '../api/reviewer';

/** How long after a failure the server is asked again, in milliseconds. */
const AGAIN = 5000;

/** Asks the server who one is, now and whenever it is back. */
export function startNaming(client: QueryClient): void {
  let retry: ReturnType<typeof setTimeout> | undefined;
  let isKnown = false;
  const ask = async (): Promise<void> => {
    clearTimeout(retry);
    const kept = keptName();
    try {
      // Without a name first: where none is taken, one is refused.
      const me = await whoIs('');
      const { name: own, may_choose: mayChoose } = me;
      setReviewer({
        permissions: me.permissions,
        hasSession: me.signed_in_by === 'session',
        isOpen: me.open_to_network,
      });
      const hasToChoose = mayChoose && !(kept !== null && (await takes(kept)));
      await become(client, {
        name: mayChoose ? (kept ?? reviewer()) : own,
        state: hasToChoose ? 'unnamed' : 'named',
        mayChoose,
      });
      isKnown = true;
    } catch {
      // The server is away: what it said before goes on, else what this browser keeps.
      if (!isKnown && kept !== null) setReviewer({ name: kept, state: 'named', mayChoose: true });
      retry = setTimeout(() => void inTurn(ask), AGAIN);
    } finally {
      noteAsked();
    }
  };
  void inTurn(ask);
  followChanges((change) => {
    if (change === null) void inTurn(ask);
  });
}

/**
 * Goes on under another name. What is open is given back under the old one.
 * @returns whether the server takes the name
 * @throws ApiError where it could not be asked
 */
export async function rename(client: QueryClient, name: string): Promise<boolean> {
  return inTurn(async () => {
    const answer = await whoIs(name);
    if (answer.name !== name) return false;
    keepName(name);
    await become(client, { name, state: 'named', mayChoose: true });
    return true;
  });
}

/** One after the other: an answer about the old name must not come after the new one. */
let last: Promise<unknown> = Promise.resolve();
function inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
  const result = last.then(task);
  last = result.catch(() => undefined);
  return result;
}

/** Whether the server takes a name as it is. */
async function takes(name: string): Promise<boolean> {
  try {
    return (await whoIs(name)).name === name;
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return false;
    throw error;
  }
}

/** @param name the one to go by; empty: none */
const whoIs = (name: string) =>
  dataOf(api.GET('/v1/reviewer', { headers: { 'x-hitl-actor': encodeURIComponent(name) } }));

async function become(
  client: QueryClient,
  next: Pick<Reviewer, 'name' | 'state' | 'mayChoose'>,
): Promise<void> {
  if (next.name !== reviewer()) {
    // What claims leaves the page, and what it sends as it does still goes under the old name.
    flushSync(() => setReviewer({ state: 'asking' }));
    await settled();
    client.removeQueries({ queryKey: ['review'] });
  }
  setReviewer(next);
}
