import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect } from '@jest/globals';
import { runService, until, type ServiceProcess, type TestDatabase } from '@hitl/testing';
import { DEADLINE, takes, type System } from './support';

type Door = 'submit' | 'read' | 'claim' | 'decide' | 'undo' | 'bulk' | 'cancel';

/** One request; status 0: there was no answer. */
interface Exchange {
  door: Door;
  status: number;
  retryAfter: boolean;
}

interface Answer {
  status: number;
  etag: string | null;
  /** A job, a review, a list or a problem. */
  body: any;
}

/** What clients did and were told. */
export interface Load {
  exchanges: Exchange[];
  /** The ids of the jobs that were accepted. */
  accepted: Set<string>;
  /** The decisions that were answered 200, by id, with what the client is to get; undefined where nobody looked. */
  decisions: Map<string, { job: string; verdict: string; response?: unknown }>;
  /** What submitters have read of jobs that had ended in success. */
  delivered: Map<string, unknown>;
  /** What must never be seen. */
  faults: string[];
  /** Resolves when some more decisions have been taken. */
  goesOn(): Promise<void>;
  /** Submits no more; resolves when all jobs have ended. */
  finish(): Promise<void>;
}

/** What the processes need for it: a claim whose reply was lost does not keep others from its job for long. */
export const LOAD_SETTINGS = { REVIEW_CLAIM_MS: '3000' };

/** Longest time that a client waits for an answer, in milliseconds. */
const CLIENT_TIMEOUT_MS = 30_000;
/** Between two tries of the same, in milliseconds. */
const AGAIN_MS = 100;
/** Decisions after which a fault counts as overcome. */
const ENOUGH = 5;
const SUBMITTERS = 3;
const REVIEWERS = 3;
/** Between two jobs of one submitter, in milliseconds. */
const PACE_MS = 150;

/** What ends the loads of a test that has failed. */
const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

/**
 * Steady load until it is told to finish: submitters with idempotency keys, one of which waits for answers and one cancels
 * now and then; reviewers who approve, edit, reject, send back, and undo; one who decides on many at once; and somebody
 * who reads. All repeat what was answered 503, or not at all, until they know.
 * @param gateways those that run now; a client stays with one as long as it answers
 */
export function startLoad({ stub }: System, gateways: () => ServiceProcess[]): Load {
  stub.answer = takes(50);
  let submitting = true;
  let deciding = true;
  endings.push(() => (submitting = deciding = false));
  let actors = 0;
  const ended = new Set<string>();
  const sentBack = new Set<string>();
  const load: Load = {
    exchanges: [],
    accepted: new Set(),
    decisions: new Map(),
    delivered: new Map(),
    faults: [],
    async goesOn() {
      const before = load.decisions.size;
      await until('decisions are taken', () => load.decisions.size > before + ENOUGH, DEADLINE);
    },
    async finish() {
      submitting = false;
      await Promise.all(submitters);
      await until(
        'all jobs have ended',
        () => [...load.accepted].every((id) => ended.has(id)),
        // A job whose message was lost is rung for after a minute.
        2 * DEADLINE,
      ).catch((error: unknown) => {
        const open = [...load.accepted].filter((id) => !ended.has(id));
        throw new Error(`${open.length} jobs are stuck: ${open.slice(0, 5).join()}`, { cause: error });
      });
      deciding = false;
      await Promise.all(others);
    },
  };

  /** A client that goes to another gateway when its own does not answer. */
  function client(name: string) {
    let at = actors++;
    const send = async (
      door: Door,
      method: string,
      path: string,
      { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
    ): Promise<Answer> => {
      const running = gateways();
      const url = running[at % running.length]!.url;
      try {
        const response = await fetch(url + path, {
          method,
          headers: {
            'x-hitl-actor': name,
            ...(body && { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
        });
        const text = await response.text();
        load.exchanges.push({
          door,
          status: response.status,
          retryAfter: response.headers.has('retry-after'),
        });
        return {
          status: response.status,
          etag: response.headers.get('etag'),
          body: text === '' ? undefined : JSON.parse(text),
        };
      } catch {
        at += 1;
        load.exchanges.push({ door, status: 0, retryAfter: false });
        return { status: 0, etag: null, body: undefined };
      }
    };
    /** The same until there is an answer. */
    const insist = async (...request: Parameters<typeof send>): Promise<Answer> => {
      for (;;) {
        const answer = await send(...request);
        if ((answer.status !== 0 && answer.status !== 503) || !deciding) return answer;
        await delay(AGAIN_MS);
      }
    };
    return { send, insist };
  }

  function look(id: string, { status, body }: Answer): void {
    if (status === 503 || status === 0) return;
    if (status >= 300) {
      load.faults.push(`an accepted job is answered ${status}`);
    } else if (body.status === 'success') {
      const before = load.delivered.get(id);
      if (before !== undefined && !isDeepStrictEqual(before, body.response))
        load.faults.push(`${id} was delivered twice`);
      load.delivered.set(id, body.response);
      ended.add(id);
    } else {
      if (body.response !== null) load.faults.push(`${id} is told before its time`);
      if (body.status === 'fail') ended.add(id);
    }
  }

  async function submitter(index: number): Promise<void> {
    const { insist } = client('submitter');
    for (let n = index; submitting; n += SUBMITTERS) {
      const headers = {
        'idempotency-key': randomUUID(),
        ...(index === 0 && { prefer: 'wait=2' }),
      };
      const answer = await insist('submit', 'POST', '/v1/jobs', { body: { payload: { n } }, headers });
      if (answer.status >= 300) {
        load.faults.push(`a job was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
        continue;
      }
      const { id } = answer.body;
      load.accepted.add(id);
      look(id, answer);
      if (index === 1 && n % 8 === 1) await insist('cancel', 'POST', `/v1/jobs/${id}/cancel`, { body: {} });
      await delay(PACE_MS);
    }
  }

  async function reader(): Promise<void> {
    const { send } = client('submitter');
    while (deciding) {
      for (const id of load.accepted)
        if (!ended.has(id)) look(id, await send('read', 'GET', `/v1/jobs/${id}`));
      await delay(AGAIN_MS);
    }
  }

  async function reviewer(index: number): Promise<void> {
    const { send, insist } = client(`reviewer ${index}`);
    for (let turn = index; deciding; turn += 1) {
      const claimed = await send('claim', 'POST', '/v1/reviews/claim-next');
      if (claimed.status !== 200) {
        await delay(AGAIN_MS);
        continue;
      }
      const { id: job, response: seen } = claimed.body;
      const headers = { 'if-match': claimed.etag ?? '' };
      const decide = async (verdict: string, more: object = {}, response: unknown = seen): Promise<void> => {
        const id = randomUUID();
        const answer = await insist('decide', 'POST', `/v1/reviews/${job}/decision`, {
          body: { id, verdict, ...more },
          headers,
        });
        if (answer.status === 200 && !('undo_ms' in more)) load.decisions.set(id, { job, verdict, response });
        // Cancelled, or decided by somebody else after its claim was lost.
        else if (![200, 409, 412].includes(answer.status))
          load.faults.push(`a decision was answered ${answer.status}`);
      };
      const kind = ['approve', 'edit', 'reject', 'regenerate', 'undo'][turn % 5];
      if (kind === 'edit') await decide('edit', { response: { edited: job } }, { edited: job });
      else if (kind === 'reject') await decide('reject');
      else if (kind === 'regenerate' && !sentBack.has(job)) {
        sentBack.add(job);
        await decide('regenerate', { payload: { again: job } });
      } else {
        if (kind === 'undo') {
          await decide('reject', { undo_ms: 600_000 });
          await insist('undo', 'DELETE', `/v1/reviews/${job}/decision`);
        }
        await decide('approve');
      }
    }
  }

  async function bulkReviewer(): Promise<void> {
    const { send, insist } = client('bulk');
    while (deciding) {
      const { status, body } = await send('read', 'GET', '/v1/review-summaries?limit=5&decidable=true');
      const decisions = (status === 200 ? body.data : []).map(
        ({ id, revision }: { id: string; revision: number }) => ({
          ...{ id: randomUUID(), job_id: id, revision, verdict: 'approve' },
        }),
      );
      // Again with the same ids, as long as one of them is not known.
      for (let open = decisions; open.length > 0;) {
        const { body: answer } = await insist('bulk', 'POST', '/v1/reviews/decisions', {
          body: { decisions: open },
        });
        open = open.filter((decision: { id: string; job_id: string }, index: number) => {
          const { job, problem } = answer.results[index];
          if (job) load.decisions.set(decision.id, { job: decision.job_id, verdict: 'approve' });
          else if (problem.status !== 503 && problem.status >= 500)
            load.faults.push(`a bulk has a ${problem.status}`);
          return problem?.status === 503;
        });
        if (open.length > 0) await delay(AGAIN_MS);
      }
      await delay(10 * AGAIN_MS);
    }
  }

  const submitters = Array.from({ length: SUBMITTERS }, (_, index) => submitter(index));
  const others = [
    ...Array.from({ length: REVIEWERS }, (_, index) => reviewer(index)),
    bulkReviewer(),
    reader(),
  ];
  return load;
}

/** Fails unless nothing was lost, doubled, delivered unreviewed or answered as if it were a bug, and the record is whole. */
export async function expectWhole(load: Load, database: TestDatabase, url = database.url): Promise<void> {
  const ids = [...load.accepted];
  const one = async (sql: string, values: unknown[] = []): Promise<unknown[]> =>
    (await database.query<{ found: unknown }>(sql, values)).map(({ found }) => found);
  const finalOf = new Map(
    (
      await database.query<{ id: string; job_id: string }>(
        `SELECT id, job_id FROM decisions WHERE final AND verdict IN ('approve', 'edit')`,
      )
    ).map((row) => [row.job_id, row.id]),
  );
  const unlike = [...load.delivered].filter(([job, response]) => {
    const decision = load.decisions.get(finalOf.get(job) ?? '');
    return (
      !finalOf.has(job) ||
      (decision?.response !== undefined && !isDeepStrictEqual(decision.response, response))
    );
  });
  const { code, stdout } = await runService('cli', ['audit', 'verify'], { DATABASE_URL: url });
  expect({
    faults: load.faults.slice(0, 5),
    refused: load.exchanges.filter(({ status }) => status >= 500 && status !== 503),
    withoutRetryAfter: load.exchanges.filter(({ status, retryAfter }) => status === 503 && !retryAfter),
    lost: await one('SELECT id AS found FROM unnest($1::uuid[]) id WHERE id NOT IN (SELECT id FROM jobs)', [
      ids,
    ]),
    twice: await one('SELECT id AS found FROM jobs WHERE NOT id = ANY($1)', [ids]),
    stuck: await one(`SELECT id AS found FROM jobs WHERE status IN ('bot', 'human')`),
    failed: await one(
      `SELECT failure_reason AS found FROM jobs WHERE failure_reason NOT IN ('rejected', 'cancelled')`,
    ),
    lostDecisions: await one(
      'SELECT id AS found FROM unnest($1::uuid[]) id WHERE id NOT IN (SELECT id FROM decisions)',
      [[...load.decisions.keys()]],
    ),
    doubled: await one(
      `SELECT job_id AS found FROM job_events GROUP BY job_id
       HAVING count(*) FILTER (WHERE type = 'decided') > 1
           OR count(*) FILTER (WHERE type = 'inferred') > 1 + count(*) FILTER (WHERE type = 'regenerated')`,
    ),
    unreviewed: await one(
      `SELECT id AS found FROM jobs j WHERE status = 'success' AND NOT EXISTS (
         SELECT FROM decisions d WHERE d.job_id = j.id AND d.released_revision = j.revision AND d.released_hash = j.released_hash)`,
    ),
    unlike,
    verified: [code, code === 0 ? '' : stdout],
  }).toEqual({
    ...{
      faults: [],
      refused: [],
      withoutRetryAfter: [],
      lost: [],
      twice: [],
      stuck: [],
      failed: [],
      lostDecisions: [],
    },
    ...{ doubled: [], unreviewed: [], unlike: [], verified: [0, ''] },
  });
}
