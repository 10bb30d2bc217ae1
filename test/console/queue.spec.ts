import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { completion, startStack, type Stack } from '@hitl/testing';
import type { Browser } from 'playwright-core';
import { INSTALL_PATIENCE, openBrowser, openConsole, type Console } from './browser';

const POLICY = `
version: 1
rules:
  - { name: double, when: metadata.kind == "double", approvals: 2 }
`;
/** Rows that the queue reads at once. */
const PAGE = 200;
/** The name of the job `n` of those that {@link many} makes. */
const idOf = (n: number) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

describe('the console’s queue', () => {
  let stack: Stack;
  let browser: Browser;
  let alice: Console;
  const folder = mkdtempSync(join(tmpdir(), 'hitl-queue-'));

  beforeAll(async () => {
    const policy = join(folder, 'policy.yaml');
    writeFileSync(policy, POLICY);
    [stack, browser] = await Promise.all([
      startStack('services', { REVIEW_POLICY_FILE: policy }),
      openBrowser(),
    ]);
    stack.stub.answer = () => ({ body: completion('four') });
  }, INSTALL_PATIENCE);

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    rmSync(folder, { recursive: true });
  });

  beforeEach(async () => {
    alice = await openConsole(browser, stack.url);
  });

  afterEach(async () => {
    const { faults } = alice;
    await alice.close();
    await stack.database
      .query(`UPDATE jobs SET status = 'fail', failure_reason = 'cancelled', finished_at = now(),
      response = NULL, held_decision = NULL, held_until = NULL, claimed_by = NULL, claimed_at = NULL, claimed_until = NULL,
      claim_id = NULL, waiting_since = NULL WHERE status = 'human'`);
    expect(faults).toEqual([]);
  });

  const as = (name: string) => ({ 'x-hitl-actor': name });
  async function waiting(question: string, kind = 'usual'): Promise<string> {
    const payload = { model: 'stub', messages: [{ role: 'user', content: question }] };
    const { id } = await stack.submit(payload, { priority: 9, metadata: { kind } });
    await stack.reaches(id, 'human');
    return id;
  }
  /** So many waiting jobs, `job 1` first. */
  async function many(count: number): Promise<void> {
    await stack.database.query(
      `INSERT INTO jobs (id, status, payload, asked, response, revision, priority, waiting_since, planned_at, submitter)
       SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'human', json_build_object('input', 'job ' || n), 'job ' || n,
              '{"answer": 4}', 1, 0, now(), now(), 'submitter'
       FROM generate_series(1, $1::int) n
       ON CONFLICT (id) DO UPDATE SET status = 'human', response = excluded.response, waiting_since = now(),
         failure_reason = NULL, finished_at = NULL`,
      [count],
    );
    await alice.page.reload();
    await alice.sees(`${count} waiting`);
  }

  it('reads on where all that it had read has been decided', async () => {
    await many(PAGE + 5);
    const decisions = Array.from({ length: PAGE }, (_, n) => ({
      job_id: idOf(n + 1),
      revision: 1,
      verdict: 'approve',
    }));
    const answer = await stack.http.post('/v1/reviews/decisions', { decisions });
    expect(answer.body.results.filter(({ problem }: any) => problem)).toEqual([]);
    await alice.sees('5 waiting');
    await alice.page.getByRole('row', { name: 'job 205' }).waitFor();
  });

  it('says how many wait, also when one changes that it has not read', async () => {
    await many(PAGE + 5);
    await stack.http.put(`/v1/reviews/${idOf(PAGE + 3)}/claim`, undefined, as('bob'));
    await stack.http.put(`/v1/reviews/${idOf(2)}/claim`, undefined, as('carol'));
    await alice.page.getByRole('row', { name: 'job 2 ' }).getByText('carol').waitFor();
    await alice.sees(`${PAGE + 5} waiting`);
  });

  it('asks no more for the rest of the list once it could not be read, until one says so', async () => {
    await many(PAGE + 5);
    let asked = 0;
    alice.excuse(/ 400 .*cursor=/);
    await alice.page.route(/cursor=/, (route) => {
      asked += 1;
      return route.fulfill({ status: 400, json: { title: 'Wrong', detail: 'Not today.' } });
    });
    const scrollTo = async (name: string): Promise<void> => {
      const row = alice.page.getByRole('row', { name });
      await alice.page.getByRole('row').nth(1).hover();
      for (let screens = 0; screens < 50 && (await row.count()) === 0; screens += 1)
        await alice.page.mouse.wheel(0, 1_000);
      await row.waitFor();
    };
    await scrollTo('job 200 ');
    await alice.sees('The rest of the list could not be read. Not today.');
    await alice.press('x', 'j', 'x', 'x', 'k');
    expect(asked).toBe(1);
    await alice.page.unroute(/cursor=/);
    await alice.button('Try again').click();
    await alice.page.getByText('could not be read').waitFor({ state: 'detached' });
    await scrollTo('job 205 ');
  });

  it('says on a row, and on the open job, that the client that was held for it has gone', async () => {
    const gone = new AbortController();
    const held = fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'stub', messages: [{ role: 'user', content: 'for nobody' }] }),
      signal: gone.signal,
    }).catch(() => undefined);
    const row = alice.page.getByRole('row', { name: 'for nobody' });
    await row.waitFor();
    expect(await row.getByText('client gone').count()).toBe(0);
    await row.click();
    await alice.page.getByRole('heading', { name: 'for nobody' }).waitFor();
    gone.abort();
    await held;
    await alice.sees('nobody waits any more');
    await alice.page.goBack();
    await alice.page.reload();
    await row.getByText('client gone').waitFor();
  });

  it('decides only on the answer that was there when a job was selected', async () => {
    const [first, second] = [await waiting('the first'), await waiting('the second')];
    await alice.page.getByRole('row').nth(2).waitFor();
    await alice.press('j', 'x', 'j', 'x', 'a');
    await alice.sees('Deliver 2 answers as they are?');
    const again = await stack.decide(first, { verdict: 'regenerate' }, as('bob'));
    expect(again.status).toBe(200);
    await alice.sees('One more has another answer since you selected it.');
    await alice.press('Enter');
    await alice.sees('Approved: 1.');
    const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;
    expect(await review(second)).toMatchObject({ review: { held: { verdict: 'approve', by: 'alice' } } });
    expect(await review(first)).toMatchObject({ status: 'human', revision: 2, review: { held: null } });
  });

  it('leads past the jobs on which one has voted, and those whose claim has ended', async () => {
    const [voted, lapsed] = [await waiting('voted on', 'double'), await waiting('lapsed')];
    await waiting('mine', 'double');
    await stack.http.put(`/v1/reviews/${lapsed}/claim`, undefined, as('bob'));
    expect((await stack.decide(voted, { verdict: 'approve' }, as('alice'))).status).toBe(200);
    const row = alice.page.getByRole('row', { name: 'lapsed' });
    await row.getByText('bob').waitFor();
    await alice.page.getByRole('row', { name: 'voted on' }).getByText('judged by you').waitFor();
    await alice.page.getByRole('row', { name: 'mine' }).click();
    await alice.isReady();
    // A claim that ends by itself is told by nobody; to the server it has not ended.
    alice.excuse(/ 409 .*\/claim$/);
    await alice.page.evaluate('const real = Date.now; Date.now = () => real() + 3_600_000');
    await alice.press('a');
    await alice.sees(/^Approved: one vote of 2\./);
    await alice.page.getByRole('heading', { name: 'lapsed' }).waitFor();
  });
});
