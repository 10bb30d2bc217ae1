import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { completion, startStack, type Stack } from '@hitl/testing';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { INSTALL_PATIENCE, openBrowser, openConsole, type Console } from './browser';

/** The longest that the page may be busy with one thing, in milliseconds; a shared machine may be slow. */
const LONGEST_TASK = 500;

describe('the console’s pages', () => {
  let stack: Stack;
  let browser: Browser;
  let alice: Console;

  beforeAll(async () => {
    [stack, browser] = await Promise.all([startStack('services'), openBrowser()]);
  }, INSTALL_PATIENCE);

  afterAll(async () => {
    await browser.close();
    await stack.stop();
  });

  describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    beforeEach(async () => {
      alice = await openConsole(browser, stack.url, 'alice', theme);
    });

    afterEach(() => alice.close());

    /** What axe finds against the page as it is: rule and element. */
    async function violations(): Promise<string[]> {
      await alice.page.evaluate(axe.source);
      const { violations: found } = await alice.page.evaluate<axe.AxeResults>('axe.run()');
      return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
    }

    it('have no fault that axe finds', async () => {
      stack.stub.answer = () => ({
        body: completion('# Four\n\nThat is `4`, see [here](https://x.example).\n\n- a\n- b'),
      });
      const payload = { model: 'stub', messages: [{ role: 'user', content: `in the ${theme} theme` }] };
      const { id } = await stack.submit(payload, { priority: 9 });
      await stack.reaches(id, 'human');

      await alice.page.getByRole('row', { name: `in the ${theme} theme` }).waitFor();
      await alice.press('j', 'x');
      await alice.button('Clear').waitFor();
      expect(await violations()).toEqual([]);

      await alice.opens(id);
      await alice.page.getByRole('heading', { name: 'Four' }).waitFor();
      await alice.press('h', 'p');
      await alice.page.getByRole('textbox', { name: 'What the submitter will get' }).waitFor();
      await alice.page.getByText('What it said').waitFor();
      expect(await violations()).toEqual([]);

      await alice.press('e');
      await alice.page.getByRole('textbox', { name: 'Your answer' }).waitFor();
      await alice.page.keyboard.type(' and c');
      await alice.sees('Draft saved');
      await alice.press('Escape', 'r', '1');
      await alice.page.getByRole('radio', { checked: true }).waitFor();
      expect(await violations()).toEqual([]);

      await alice.page.goto(`${stack.url}/try`);
      await alice.page.getByRole('textbox', { name: 'Question' }).waitFor();
      expect(await violations()).toEqual([]);

      await alice.button('Keys').click();
      await alice.page.getByRole('dialog', { name: 'Keys' }).waitFor();
      expect(await violations()).toEqual([]);
      await stack.decide(id, { verdict: 'reject' }, { 'x-hitl-actor': 'alice' });
    });
  });

  it('scroll and open without lag while 5,000 jobs wait', async () => {
    await stack.database.query(
      `INSERT INTO jobs (id, status, payload, response, revision, priority, waiting_since, planned_at, submitter)
       SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'human', jsonb_build_object('input', 'job ' || n),
              '{"answer": 4}', 1, 0, now() - n * interval '1 second', now(), 'submitter'
       FROM generate_series(1, 5000) n`,
    );
    const bob = await openConsole(browser, stack.url, 'bob');
    const { page } = bob;
    await bob.sees('5,000 waiting');
    await bob.watchTasks();
    const last = page.getByRole('row', { name: /job 1 / });
    await page.getByRole('row').nth(1).hover();
    for (let screens = 0; screens < 500 && (await last.count()) === 0; screens += 1)
      await page.mouse.wheel(0, 5_000);
    await last.waitFor();
    // Only what is in sight is on the page.
    expect(await page.getByRole('row').count()).toBeLessThan(100);
    await last.click();
    await bob.button('Release').waitFor();
    await bob.press('Escape');
    await page.getByRole('row').nth(1).waitFor();
    expect(await bob.longestTask()).toBeLessThan(LONGEST_TASK);
    expect(bob.faults).toEqual([]);
    await bob.close();
  });
});
