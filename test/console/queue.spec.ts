import { describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import { consoleSuite } from './suite';

const POLICY = `
version: 1
rules:
  - { name: double, when: metadata.kind == "double", approvals: 2 }
`;
/** Rows that the queue reads at once. */
const PAGE = 200;

describe('the console’s queue', () => {
  const { stack, alice, waiting, crowd, claims, decides, review } = consoleSuite({
    policy: POLICY,
    answer: () => ({ body: completion('four') }),
  });
  /** So many waiting jobs, in sight; answers the name of one of them. */
  async function many(count: number): Promise<(n: number) => string> {
    const idOf = await crowd(count);
    await alice.page.reload();
    await alice.sees(`${count} waiting`);
    return idOf;
  }

  it('reads on where all that it had read has been decided', async () => {
    const idOf = await many(PAGE + 5);
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
    const idOf = await many(PAGE + 5);
    await claims(idOf(PAGE + 3), 'bob');
    await claims(idOf(2), 'carol');
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
    await alice.sees('client disconnected');
    await alice.page.goBack();
    await alice.page.reload();
    await row.getByText('client gone').waitFor();
  });

  it('decides only on the answer that was there when a job was selected', async () => {
    const [first, second] = [await waiting('the first'), await waiting('the second')];
    await alice.page.getByRole('row').nth(2).waitFor();
    await alice.press('j', 'x', 'j', 'x', 'a');
    await alice.sees('Deliver 2 responses as they are?');
    await decides(first, { verdict: 'regenerate' }, 'bob');
    await alice.sees('One more has a new response since you selected it.');
    await alice.press('Enter');
    await alice.sees('Approved: 1.');
    expect(await review(second)).toMatchObject({ review: { held: { verdict: 'approve', by: 'alice' } } });
    expect(await review(first)).toMatchObject({ status: 'human', revision: 2, review: { held: null } });
  });

  it('leads past the jobs on which one has voted, and those whose claim has ended', async () => {
    const [voted, lapsed] = [await waiting('voted on', { kind: 'double' }), await waiting('lapsed')];
    await waiting('mine', { kind: 'double' });
    await claims(lapsed, 'bob');
    await decides(voted, { verdict: 'approve' }, 'alice');
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
