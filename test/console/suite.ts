import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import {
  completion,
  createTestDatabase,
  startStack,
  until,
  type ModelStub,
  type Stack,
  type TestDatabase,
} from '@hitl/testing';
import type { Browser } from 'playwright-core';
import { SETUP_TIMEOUT_MS, openBrowser, openConsole, type Console } from './browser';

/** The header that names a reviewer, or a submitter. */
export const as = (name: string) => ({ 'x-hitl-actor': name });

/** How most models of these tests answer: `Q` with `You said: Q`. */
const repeat: ModelStub['answer'] = ({ body }) => ({
  body: completion(`You said: ${(body as any).messages.at(-1).content}`),
});

interface SuiteOptions {
  /** The policy in force, in YAML; none unless given. */
  policy?: string;
  /** Environment variables of the system. */
  settings?: Record<string, string>;
  /** How the model answers at the beginning of each test. */
  answer?: ModelStub['answer'];
  /** Whether Alice has the console open in each test. */
  withAlice?: boolean;
  /** Whether what waits at the end of a test still does in the next one. */
  keepsJobs?: boolean;
}

/** What the tests of one `describe` share: the system and a browser; and in each test a console that must show no fault. */
export interface Suite {
  stack: Stack;
  database: TestDatabase;
  /** The reviewer Alice, at the queue. */
  alice: Console;
  /** Opens the console for somebody else, until the end of the test; null: whom it does not know. */
  visit(name: string | null, url?: string): Promise<Console>;
  /** Submits a question, and answers the id of the job once its answer waits, with its plan where there is a policy. */
  waiting(question: unknown, how?: Asking): Promise<string>;
  /** So many waiting jobs, `job 1` first, each by this many seconds before the next; answers the name of one of them. */
  crowd(count: number, seconds?: number): Promise<(n: number) => string>;
  /** Somebody claims a job. */
  claims(id: string, name: string): Promise<void>;
  /** Makes the claim on a job end in so many seconds, long after it was taken. */
  claimEnds(id: string, seconds: number): Promise<void>;
  /** Somebody decides on the current answer of a job. */
  decides(id: string, decision: object, name?: string): Promise<void>;
  /** A job as a reviewer sees it. */
  review(id: string): Promise<any>;
  /** Ends the time in which the decision on a job can be undone, so that no test waits for it. */
  takesEffect(id: string): Promise<void>;
  /** The text that the submitter gets, once the decision on the job has taken effect. */
  delivered(id: string): Promise<string>;
}

interface Asking {
  /** What the policy looks at. */
  kind?: string;
  priority?: number;
  /** Who asks. */
  by?: string;
  /** More fields of the request, or others. */
  payload?: object;
}

/** Starts what the tests of the calling `describe` need before them, and stops it after them. */
export function consoleSuite({
  policy,
  settings = {},
  answer = repeat,
  withAlice = true,
  keepsJobs = false,
}: SuiteOptions = {}): Suite {
  let stack: Stack;
  let database: TestDatabase;
  let browser: Browser;
  let alice: Console;
  let hasCrowd = false;
  /** The consoles that are in use, and those that are not. */
  const visitors: Console[] = [];
  const idle: Console[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'hitl-console-'));

  beforeAll(async () => {
    const env: Record<string, string> = { ...settings };
    if (policy !== undefined) {
      env.REVIEW_POLICY_FILE = join(folder, 'policy.yaml');
      writeFileSync(env.REVIEW_POLICY_FILE, policy);
    }
    database = await createTestDatabase();
    // One process: what is between several is tested without a browser.
    const starting = startStack('standalone', { DATABASE_URL: database.url, ...env });
    [stack, browser] = await Promise.all([starting, openBrowser()]);
    stack.stub.answer = answer;
  }, SETUP_TIMEOUT_MS);

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  beforeEach(async () => {
    stack.stub.answer = answer;
    if (withAlice) alice = await visit('alice');
  });

  afterEach(async () => {
    const shown = visitors.splice(0);
    const faults = shown.flatMap((each) => each.faults);
    for (const each of shown) if (await each.leave()) idle.push(each);
    if (hasCrowd) await dismissCrowd();
    if (!keepsJobs) await endJobs();
    expect(faults).toEqual([]);
  });

  async function visit(name: string | null, url = stack.url): Promise<Console> {
    const shown = idle.shift() ?? (await openConsole(browser));
    visitors.push(shown);
    await shown.enter(name, url);
    return shown;
  }

  async function claims(id: string, name: string): Promise<void> {
    const { status, text } = await stack.http.put(`/v1/reviews/${id}/claim`, undefined, as(name));
    expect([status, text]).toEqual([200, text]);
  }

  async function claimEnds(id: string, seconds: number): Promise<void> {
    await database.query(
      `UPDATE jobs SET claimed_at = now() - interval '1 hour', claimed_until = now() + $2::int * interval '1 second' WHERE id = $1`,
      [id, seconds],
    );
  }

  async function decides(id: string, decision: object, name = 'alice'): Promise<void> {
    const { status, text } = await stack.decide(id, decision, as(name));
    expect([status, text]).toEqual([200, text]);
  }

  const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;

  async function waiting(
    question: unknown,
    { kind = 'once', priority = 0, by, payload = {} }: Asking = {},
  ): Promise<string> {
    const chat = { model: 'stub', messages: [{ role: 'user', content: question }], ...payload };
    const { id } = await stack.submit(chat, { priority, metadata: { kind } }, by === undefined ? {} : as(by));
    await stack.reaches(id, 'human');
    if (policy !== undefined) await until('it has its plan', async () => (await review(id)).review.planned);
    return id;
  }

  async function takesEffect(id: string): Promise<void> {
    await until('it is decided', async () => {
      const job = await review(id);
      return job.review.held !== null || job.status !== 'human';
    });
    await database.query('UPDATE jobs SET held_until = now() WHERE id = $1 AND held_until > now()', [id]);
    await until('it has taken effect', async () => (await review(id)).review.held === null);
  }

  async function delivered(id: string): Promise<string> {
    await takesEffect(id);
    return (await stack.reaches(id, 'success')).response.choices[0].message.content;
  }

  async function crowd(count: number, seconds = 0): Promise<(n: number) => string> {
    hasCrowd = true;
    await database.query(
      `INSERT INTO jobs (id, status, payload, asked, response, revision, priority, waiting_since, planned_at, submitter)
       SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'human', json_build_object('input', 'job ' || n), 'job ' || n,
              '{"answer": 4}', 1, 0, now() - n * $2::int * interval '1 second', now(), 'submitter'
       FROM generate_series(1, $1::int) n
       ON CONFLICT (id) DO UPDATE SET status = 'human', response = excluded.response, waiting_since = excluded.waiting_since,
         failure_reason = NULL, finished_at = NULL`,
      [count, seconds],
    );
    return (n) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
  }

  /** Ends the jobs of the crowd at once: there are too many to end each. */
  async function dismissCrowd(): Promise<void> {
    hasCrowd = false;
    await database.query(
      `UPDATE jobs SET status = 'fail', failure_reason = 'cancelled', finished_at = now(), response = NULL, held_decision = NULL,
         held_until = NULL, claimed_by = NULL, claimed_at = NULL, claimed_until = NULL, claim_id = NULL, waiting_since = NULL
       WHERE status = 'human' AND id::text LIKE '00000000-0000-7000-8000-%'`,
    );
  }

  /** What a test left waiting would be the next job of another. */
  async function endJobs(): Promise<void> {
    await database.query('UPDATE jobs SET held_until = now() WHERE held_until > now()');
    await until('no job waits', async () => {
      const lists = await Promise.all(
        ['bot', 'human'].map((status) => stack.http.get(`/v1/jobs?status=${status}`)),
      );
      const left: { id: string }[] = lists.flatMap(({ body }) => body.data);
      await Promise.all(left.map(({ id }) => stack.http.post(`/v1/jobs/${id}/cancel`)));
      return left.length === 0;
    });
  }

  return {
    stack: live(() => stack),
    database: live(() => database),
    alice: live(() => alice),
    visit,
    waiting,
    crowd,
    claims,
    claimEnds,
    decides,
    review,
    takesEffect,
    delivered,
  };
}

/** Whatever there is when it is used: what a `describe` names before it has begun. */
const live = <T extends object>(now: () => T): T =>
  new Proxy({} as T, {
    get: (_, name) => Reflect.get(now(), name) as unknown,
    set: (_, name, value) => Reflect.set(now(), name, value),
  });
