import { BASE } from './base';
import { createStore, useStore } from '../store/store';
import type { components } from './schema';
import { checkSignIn } from './session';
import { UNIONS } from './unions';

/** What the gateway tells of a job: that it changed, never what it holds. */
export type JobChange = components['schemas']['JobEventDto'];

/** How long after a lost stream a new one is opened, in milliseconds: first, and at most. */
const FIRST_PAUSE = 500;
const MAX_PAUSE = 15_000;

export type Connection = 'connecting' | 'live' | 'lost';
type Follower = (change: JobChange | null) => void;
type ViewerFollower = (jobId: string, viewers: string[]) => void;

const followers = new Set<Follower>();
const viewerFollowers = new Set<ViewerFollower>();
const connection = createStore<Connection>('connecting');
let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let pause = FIRST_PAUSE;
/** Whether something may have happened that nobody told us: before the first stream, and between two. */
let missed = true;

function open(): void {
  clearTimeout(retry);
  // A new stream begins now, whatever the one before has sent.
  missed ||= source !== undefined;
  source?.close();
  source = new EventSource(`${BASE}/v1/events`);
  source.onopen = () => {
    pause = FIRST_PAUSE;
    connection.set('live');
    if (missed) for (const follow of followers) follow(null);
    missed = false;
  };
  source.onerror = () => {
    connection.set('lost');
    // The browser comes back by itself, unless the server refused the stream; with Last-Event-ID only if it has seen one.
    missed = true;
    if (source?.readyState !== EventSource.CLOSED) return;
    void checkSignIn();
    retry = setTimeout(open, pause);
    pause = Math.min(pause * 2, MAX_PAUSE);
  };
  for (const type of UNIONS.JobEventType) {
    source.addEventListener(type, (event: MessageEvent<string>) => {
      const change = JSON.parse(event.data) as JobChange;
      for (const follow of followers) follow(change);
    });
  }
  // The database's history went back: what is shown may never have been.
  source.addEventListener('reset', () => {
    for (const follow of followers) follow(null);
  });
  source.addEventListener('viewers', (event: MessageEvent<string>) => {
    const { job_id, viewers } = JSON.parse(event.data) as { job_id: string; viewers: string[] };
    for (const follow of viewerFollowers) follow(job_id, viewers);
  });
}

function close(): void {
  clearTimeout(retry);
  source?.close();
  source = undefined;
  missed = true;
}

/** Follows the gateway's events. A browser has few connections to one server: a hidden page gives its own up. */
export function startLive(): void {
  open();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close();
    else open();
  });
  // A page that was put aside, and comes back, has missed what happened meanwhile.
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) open();
  });
  window.addEventListener('online', open);
  window.addEventListener('offline', () => {
    connection.set('lost');
  });
}

/** Calls with each change; with null when some may have been missed, so that everything shown is read again. */
export function followChanges(follow: Follower): void {
  followers.add(follow);
}

/** Calls with who looks at a job, whenever that changes. @returns ends that */
export function followViewers(follow: ViewerFollower): () => void {
  viewerFollowers.add(follow);
  return () => {
    viewerFollowers.delete(follow);
  };
}

export function useConnection(): Connection {
  return useStore(connection);
}
