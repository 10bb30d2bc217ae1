import { BASE } from './base';

/** Leaves for the page that signs in, and comes back to where one is. What was being written is kept in this browser. */
export function leadToSignIn(): void {
  const here = location.pathname.slice(BASE.length).replace(/^\//, '') + location.search;
  location.assign(`${BASE}/sign-in?next=${encodeURIComponent(here)}`);
}

/** Leaves for the page that signs in where the server no longer knows who one is. */
export async function checkSignIn(): Promise<void> {
  const answer = await fetch(`${BASE}/v1/reviewer`).catch(() => undefined);
  if (answer?.status === 401) leadToSignIn();
}

export async function signOut(): Promise<void> {
  await fetch(`${BASE}/sign-out`, { method: 'POST' });
  location.assign(`${BASE}/sign-in`);
}
