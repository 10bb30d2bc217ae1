import { beforeAll, describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import { SETUP_TIMEOUT_MS } from './browser';
import { as, consoleSuite } from './suite';

const POLICY = `
version: 1
groups: { legal: [alice, bob] }
rules:
  - { name: leaked, when: metadata.kind == "leaked", outcome: reject }
  - { name: late, when: metadata.kind == "late", deadline: 1s }
  - { name: lenient, when: metadata.kind == "lenient", deadline: 1s, on_deadline: approve }
  - { name: strict, when: metadata.kind == "shadowed", outcome: reject, shadow: true }
  - { name: double, when: metadata.kind == "double", group: legal, approvals: 2 }
`;

describe('the console’s figures', () => {
  const { stack, alice } = consoleSuite({
    policy: POLICY,
    answer: () => ({ body: completion('four') }),
    keepsJobs: true,
  });

  /** A job whose answer waits, unless the policy wants it otherwise. */
  async function job(question: string, kind = 'usual', status = 'human'): Promise<string> {
    const model = kind === 'usual' ? 'a' : kind === 'plain' ? undefined : 'b';
    const payload = { model, messages: [{ role: 'user', content: question }] };
    const { id } = await stack.submit(payload, { metadata: { kind } });
    await stack.reaches(id, status);
    return id;
  }
  async function decided(id: string, decision: unknown, actor: string): Promise<void> {
    const answer = await stack.decide(id, decision, as(actor));
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
  }

  beforeAll(async () => {
    await decided(await job('plain', 'plain'), { verdict: 'approve' }, 'alice');
    await decided(await job('shadowed', 'shadowed'), { verdict: 'approve' }, 'alice');
    await decided(await job('first'), { verdict: 'approve' }, 'alice');
    await decided(await job('second'), { verdict: 'approve' }, 'bob');
    await decided(await job('third'), { verdict: 'edit', response: completion('five') }, 'alice');
    await decided(await job('fourth'), { verdict: 'reject' }, 'alice');
    await decided(await job('fifth'), { verdict: 'regenerate', feedback: 'shorter' }, 'bob');
    const twice = await job('sixth', 'double');
    await decided(twice, { verdict: 'approve' }, 'alice');
    await decided(twice, { verdict: 'approve' }, 'bob');
    await decided(await job('seventh', 'double'), { verdict: 'approve' }, 'alice');
    await job('leaked', 'leaked', 'fail');
    await job('late', 'late', 'fail');
    await job('lenient', 'lenient', 'success');
  }, SETUP_TIMEOUT_MS);

  const rows = () => alice.page.locator('tbody tr');
  /** Waits until the list of decisions is whole, and says how many there are. */
  async function listed(): Promise<number> {
    await alice.sees(/^\d+ decisions?$/);
    return rows().count();
  }

  it.each([
    {
      of: '',
      decided: 10,
      counts: 25,
      sources: ['missed_deadline=true', 'pairs=double', 'pairs=shadow', 'without=model', 'without=rule'],
    },
    { of: '&group=legal', decided: 1, counts: 10, sources: ['pairs=double'] },
    { of: '&model=a', decided: 5, counts: 15, sources: ['without=rule'] },
  ])('lead from each number to as many decisions ($of)', async ({ of, decided: total, counts, sources }) => {
    const { page } = alice;
    await page.goto(`${stack.url}/insight?window=24h${of}`);
    await alice.sees('Verdicts');
    const links = await page.locator('a[href^="/decisions"]').all();
    const unlinked = await page.locator('td.number:not(:has(a))').allTextContents();
    expect(unlinked.filter((text) => text !== '0')).toEqual([]);
    const numbers = [];
    for (const link of links) {
      const [, number] = /^([\d,]+)(?: \(\d+%\))?$/.exec((await link.textContent()) ?? '') ?? [];
      if (number !== undefined) numbers.push({ number: Number(number), at: await link.getAttribute('href') });
    }
    expect(numbers.length).toBeGreaterThanOrEqual(counts);
    expect(numbers[0]!.number).toBe(total);
    for (const source of sources)
      expect(numbers.map(({ at }) => at)).toContainEqual(expect.stringContaining(source));
    for (const { number, at } of numbers) {
      const { data, has_more } = (await stack.http.get(`/v1${at}&limit=100`)).body;
      expect([at, data.length, has_more]).toEqual([at, number, false]);
    }
    // The page asks for what its address says: one of each kind is enough.
    for (const source of ['final=true', ...sources]) {
      const { number, at } = numbers.find((each) => each.at!.includes(source))!;
      await page.goto(stack.url + at!);
      expect([at, await listed()]).toEqual([at, number]);
    }
  });

  it('lead to the job behind a decision, and back, by keyboard', async () => {
    const { page } = alice;
    await page.goto(`${stack.url}/insight?window=24h`);
    await page.getByRole('link', { name: '10', exact: true }).first().click();
    expect(await listed()).toBe(10);
    await alice.press('j', 'j', 'j', 'k', 'Enter');
    await page.waitForURL(/\/history\//);
    await alice.sees('leaked');
    await page.goBack();
    expect(await listed()).toBe(10);
    await page.locator('tbody a:focus', { hasText: 'leaked' }).waitFor();
    await alice.press('Escape');
    await page.waitForURL(/\/insight\?window=24h/);
  });

  it('lead to what waits for a group, and for everyone', async () => {
    const { page } = alice;
    for (const group of ['legal', 'for everyone']) {
      await page.goto(`${stack.url}/insight?window=24h`);
      const link = page.getByRole('link', { name: new RegExp(`^${group}: \\d+$`) });
      const [, count] = /: (\d+)$/.exec(await link.innerText())!;
      await link.click();
      await alice.sees(`${count} waiting`);
      expect(
        await page
          .getByRole('row')
          .filter({ hasNot: page.getByRole('columnheader') })
          .count(),
      ).toBe(Number(count));
    }
    await alice.button('for everyone').click();
    await page.waitForURL(/\/queue$/);
  });

  it('lead from a part of a bar to its decisions', async () => {
    await alice.page.goto(`${stack.url}/insight?window=30d`);
    const bar = alice.page.getByRole('img', { name: 'Decisions over time' });
    await bar.locator('rect.fill-dim').last().click();
    expect(await listed()).toBe(1);
    await rows().getByText('nobody decided').waitFor();
  });

  it('say how each was decided, and list more once a filter is taken away', async () => {
    const { page } = alice;
    await page.goto(`${stack.url}/decisions?rule=double&final=true`);
    expect(await listed()).toBe(1);
    await alice.button('took effect').click();
    await alice.sees('3 decisions');
    expect(await rows().getByText('a vote').count()).toBe(2);
    expect(new URL(page.url()).search).toBe('?rule=double');
    await page.getByRole('link', { name: 'Download (CSV)' }).waitFor();
    await alice.button('rule double').click();
    await alice.sees('12 decisions');
    await rows().filter({ hasText: 'lenient' }).getByText('by the policy, at the deadline').waitFor();
    await page.getByRole('combobox', { name: 'Verdict' }).selectOption('edited');
    await alice.sees('1 decision');
    expect(await rows().allInnerTexts()).toEqual([expect.stringMatching(/third[^]*edited[^]*alice[^]*\d%/)]);
  });

  it('show what each of a pair decided', async () => {
    const { page } = alice;
    await page.goto(`${stack.url}/decisions?pairs=shadow`);
    expect(await listed()).toBe(1);
    expect(await rows().innerText()).toMatch(/shadowed[^]*approved[^]*policy:strict would have rejected/);
    await page.goto(`${stack.url}/decisions?pairs=double`);
    expect(await listed()).toBe(1);
    expect(await rows().innerText()).toMatch(/sixth[^]*alice approved[^]*bob/);
    await alice.button('compared with another person').click();
    await alice.sees('12 decisions');
  });

  it('look further where the server has found nothing yet, but not for ever', async () => {
    const { page } = alice;
    let asked = 0;
    await page.route('**/v1/decisions?*', async (route) => {
      asked += 1;
      if (asked > 10) await route.continue({ url: `${stack.url}/v1/decisions?final=true` });
      else await route.fulfill({ json: { data: [], has_more: true, next_cursor: 'further' } });
    });
    await page.goto(`${stack.url}/decisions`);
    await alice.sees('Nothing matches these filters so far');
    expect(asked).toBe(10);
    await alice.button('More').click();
    expect(await listed()).toBe(10);
  });

  it('say why the list could not be read', async () => {
    alice.excuse(/ 400 .*from=yesterday/);
    await alice.page.goto(`${stack.url}/decisions?from=yesterday`);
    await alice.sees('This did not work');
    await alice.button('from').click();
    expect(await listed()).toBe(12);
  });
});
