import { BASE } from './base';

/** Whether the page is on its way to sign out: what is refused meanwhile leads nowhere else. */
let isLeaving = false;

/** Leaves for the page that signs in, and comes back to where one is. What was being written is kept in this browser. */
export function leadToSignIn(): void {
  if (isLeaving) return;
  const here = location.pathname.slice(BASE.length).replace(/^\//, '') + location.search;
  location.assign(`${BASE}/sign-in?next=${encodeURIComponent(here)}`);
}

/** Leaves for the page that signs in where the server no longer knows who one is. */
export async function checkSignIn(): Promise<void> {
  const answer = await fetch(`${BASE}/v1/reviewer`).catch(() => undefined);
  if (answer?.status === 401) leadToSignIn();
}

export async function signOut(): Promise<void> {
  isLeaving = true;
  const answer = await fetch(`${BASE}/sign-out`, { method: 'POST' }).catch((error: unknown) => {
    isLeaving = false;
    throw error;
  });
  // Who has signed in at a provider signs out there, too.
  const url = answer.status === 200 ? ((await answer.json()) as { url: string }).url : undefined;
  location.assign(url ?? `${BASE}/sign-in`);
}
