import { describe, expect, it } from '@jest/globals';
import { completion, until } from '@hitl/testing';
import axe from 'axe-core';
import { as, consoleSuite } from './suite';

const POLICY = `
version: 1
groups: { seniors: [alice, bob] }
reject_reasons: [{ code: unsafe, label: Unsafe }, { code: tone, label: Wrong tone }]
rules:
  - { name: urgent, when: metadata.kind == "urgent", group: seniors, approvals: 2, deadline: 1h }
  - { name: leaked, when: metadata.kind == "leaked", outcome: reject }
`;

const SCHEMA = { type: 'object', properties: { choices: { type: 'array' }, model: { type: 'string' } } };

/** An answer that is no text: it is edited as JSON. */
const CALL = { id: 'c1', type: 'function', function: { name: 'total', arguments: '{"of": [1, 3]}' } };
const CALLED = {
  ...completion(''),
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: null, tool_calls: [CALL] },
      finish_reason: 'tool_calls',
    },
  ],
};

describe('the console’s pages', () => {
  const { stack, database, alice, visit, waiting, crowd, claims, decides, review } = consoleSuite({
    policy: POLICY,
    settings: { WEBHOOK_ALLOW_PRIVATE: 'true' },
    answer: ({ body }) => ({
      body: JSON.stringify(body).includes('as JSON')
        ? CALLED
        : completion(
            '# Four\n\nThat is `4`, see [here](https://x.example).\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |',
          ),
    }),
  });

  describe('in both themes', () => {
    /** Waits for a text, then says what axe finds against the page as it is: theme, rule and element. */
    async function faultsWith(text: string | RegExp): Promise<string[]> {
      const { page } = alice;
      await alice.sees(text);
      await page.evaluate(`typeof axe === 'undefined' && (() => { ${axe.source} })()`);
      const faults = [];
      for (const theme of ['dark', 'light']) {
        await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
        // What is not a colour is the same in both.
        const rules = theme === 'dark' ? `{ runOnly: ['color-contrast', 'link-in-text-block'] }` : '';
        const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(${rules})`);
        faults.push(
          ...violations.flatMap(({ id, nodes }) =>
            nodes.map(({ html }) => `${theme}: ${id}: ${html.slice(0, 300)}`),
          ),
        );
      }
      return faults;
    }

    it('have no fault that axe finds in the queue', async () => {
      expect(await faultsWith('Nothing is waiting for you')).toEqual([]);
      await claims(await waiting('the first'), 'bob');
      await claims(await waiting('the second'), 'alice');
      await waiting('the third', { kind: 'urgent' });
      await alice.sees('0 of 2 approved');
      await alice.press('j', 'x', 'j');
      expect(await faultsWith('1 selected')).toEqual([]);
      await alice.press('r', '2');
      expect(await faultsWith('Nothing will be delivered')).toEqual([]);
      await alice.press('Escape', 'a');
      expect(await faultsWith('Deliver the response as it is?')).toEqual([]);
      await alice.press('Escape', 'Escape', '/');
      await alice.page.keyboard.type('nothing has this');
      expect(await faultsWith('Nothing matches these filters')).toEqual([]);
      alice.excuse(/ 400 .*\/v1\/review-summaries/);
      await alice.page.route('**/v1/review-summaries*', (route) =>
        route.fulfill({ status: 400, json: { title: 'Wrong', detail: 'The limit is wrong.' } }),
      );
      await alice.page.reload();
      expect(await faultsWith('The limit is wrong.')).toEqual([]);
      await alice.page.unroute('**/v1/review-summaries*');
      await alice.page.route('**/v1/review-summaries*', () => undefined);
      await alice.page.reload();
      expect(await faultsWith('Loading the queue')).toEqual([]);
    });

    it('have no fault that axe finds in a review', async () => {
      const id = await waiting('of a text', { kind: 'urgent' });
      await alice.opens(id);
      await alice.press('h', 'p');
      await alice.page.getByRole('textbox', { name: 'What the submitter will get' }).waitFor();
      expect(await faultsWith('What it said')).toEqual([]);
      await alice.press('h', 'p', 'v');
      await alice.page.getByRole('textbox', { name: 'The response as it is' }).waitFor();
      expect(await faultsWith('of a text')).toEqual([]);
      await alice.press('v', 't');
      expect(await faultsWith('What it should do differently')).toEqual([]);
      await alice.press('Escape', 'Escape', 'n');
      expect(await faultsWith('the submitter never reads it')).toEqual([]);
      await alice.press('Escape', 'Escape', 'r', '1');
      await alice.page.getByRole('radio', { checked: true }).waitFor();
      expect(await faultsWith('What the submitter may read')).toEqual([]);
      await alice.press('Escape', 'e');
      await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
      await alice.page.keyboard.type(' and c');
      expect(await faultsWith('Draft saved')).toEqual([]);
      await alice.press('Control+Enter');
      await alice.sees('Approved with changes: one vote of 2. It takes effect in 5s.');
      const takesEffectIn = (time: string) =>
        database.query(
          'UPDATE jobs SET held_until = now() + $2::interval WHERE id = $1 AND held_until IS NOT NULL',
          [id, time],
        );
      // Looking for faults takes longer than the time to undo.
      await takesEffectIn('1 minute');
      await alice.page.goto(`${stack.url}/review/${id}`);
      expect(await faultsWith(/^You have decided: edit/)).toEqual([]);
      await takesEffectIn('0');
      await alice.page.goto(`${stack.url}/history/${id}`);
      expect(await faultsWith('Response 2')).toEqual([]);
    });

    it('have no fault that axe finds where an edit breaks a schema, or another has the job', async () => {
      const payload = { model: 'stub', messages: [{ role: 'user', content: 'as JSON' }] };
      const { id } = await stack.submit(payload, { response_schema: SCHEMA, metadata: { kind: 'usual' } });
      await stack.reaches(id, 'human');
      await until('it has its plan', async () => (await review(id)).review.planned);
      await alice.opens(id);
      await alice.press('e');
      await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
      await alice.press('Control+a');
      await alice.page.keyboard.type('{"choices": 4,\n"model": 4');
      await alice.sees(/^Line 2: Expected/);
      await alice.page.keyboard.type('}');
      await alice.page.locator('.cm-lint-marker').first().waitFor();
      await alice.sees(/^Line 1: .* And 1 more\.$/);
      expect(await faultsWith('Draft saved')).toEqual([]);
      await alice.press('Tab', 'Enter');
      await alice.page.keyboard.type('[]');
      await alice.sees(/^Line 2: .*[^e]\.$/);
      await alice.press('F8');
      await alice.page.keyboard.type('"m"');
      await alice.page.getByText(/^Line \d+: /).waitFor({ state: 'detached' });
      await stack.http.delete(`/v1/reviews/${id}/claim`, as('alice'));
      await claims(id, 'bob');
      await stack.http.put(`/v1/reviews/${id}/viewers`, undefined, as('carol'));
      await alice.sees('is looking, too');
      expect(await faultsWith(/^bob has this job/)).toEqual([]);
    });

    it('have no fault that axe finds in dialogs, or where there is no page', async () => {
      await alice.page.goto(`${stack.url}/try`);
      expect(await faultsWith('Question')).toEqual([]);
      await alice.button('Raw JSON').click();
      await alice.page.getByRole('textbox', { name: 'Payload' }).fill('{');
      expect(await faultsWith('This is not JSON')).toEqual([]);
      await alice.button('Keys').click();
      expect(await faultsWith('Shortcuts work wherever you are not typing')).toEqual([]);
      await alice.press('Escape');
      await alice.button('You are').click();
      expect(await faultsWith('Who are you?')).toEqual([]);
      await alice.press('Escape');
      alice.excuse(/ 404 .*\/v1\/reviews\/00000000-/);
      await alice.page.goto(`${stack.url}/review/00000000-0000-7000-8000-000000000000`);
      expect(await faultsWith('This did not work')).toEqual([]);
      await alice.page.evaluate(
        "history.pushState({}, '', '/nowhere'); dispatchEvent(new PopStateEvent('popstate'))",
      );
      expect(await faultsWith('There is no such page')).toEqual([]);
    });

    it('have no fault that axe finds in figures, policies and webhooks', async () => {
      const endpoint = await stack.http.post('/v1/webhook-endpoints', { url: `${stack.stub.url}/hook` });
      expect(endpoint.status).toBe(201);
      for (const verdict of ['approve', 'reject']) {
        const id = await waiting('to be decided');
        await decides(id, { verdict }, 'alice');
      }
      await stack.http.post(`/v1/webhook-endpoints/${endpoint.body.id}/ping`);
      await stack.submit(
        { model: 'stub', messages: [{ role: 'user', content: 'x' }] },
        { metadata: { kind: 'leaked' } },
      );
      await until('the policy has rejected one', async () => {
        const { body } = await stack.http.get('/v1/stats');
        return body.verdicts.automatic.total.reject === 1;
      });
      await alice.page.goto(`${stack.url}/insight`);
      await alice.page.getByText('As a table').click();
      expect(await faultsWith('Policy alone')).toEqual([]);
      await alice.page.goto(`${stack.url}/decisions?final=true`);
      expect(await faultsWith('3 decisions')).toEqual([]);
      const disputed = await waiting('disputed', { kind: 'urgent' });
      for (const [verdict, actor] of [
        ['approve', 'alice'],
        ['reject', 'bob'],
      ] as const) {
        await decides(disputed, { verdict }, actor);
      }
      await alice.page.goto(`${stack.url}/decisions?pairs=double`);
      expect(await faultsWith('alice approved')).toEqual([]);
      await alice.page.goto(`${stack.url}/decisions?rule=none`);
      expect(await faultsWith('No decision matches these filters')).toEqual([]);
      await alice.page.goto(`${stack.url}/policies`);
      await alice.sees('In force');
      await alice.page.getByText('The file', { exact: true }).click();
      await alice.page
        .getByRole('textbox', { name: 'The policy to try' })
        .fill('version: 1\nrules: [{ name: all, outcome: approve }]\n');
      await alice.button('Try it').click();
      expect(await faultsWith('Of ')).toEqual([]);
      alice.excuse(/ 4\d\d .*\/v1\/policies/);
      await alice.page.getByRole('textbox', { name: 'The policy to try' }).fill('version: 2');
      await alice.button('Try it').click();
      await alice.page.locator('#policy-fault li').first().waitFor();
      expect(await faultsWith('/version')).toEqual([]);
      await alice.page.goto(`${stack.url}/webhooks`);
      expect(await faultsWith(/took .* ms/)).toEqual([]);
    });
  });

  it('say that they could not be loaded, and offer to reload, where none of their files comes', async () => {
    const bob = await visit('bob');
    bob.excuse(/ 404 |MIME type/);
    await bob.page.route('**/assets/**', (route) => route.fulfill({ status: 404 }));
    await bob.page.goto(`${stack.url}/review/${crypto.randomUUID()}`);
    await bob.sees('it could not be loaded');
    await bob.page.unroute('**/assets/**');
    await bob.page.getByRole('link', { name: 'Reload' }).click();
    await bob.sees('There is no job');
  });

  it('show only what is in sight, scroll to the end and open while 5,000 jobs wait', async () => {
    await crowd(5000, 1);
    const bob = await visit('bob');
    const { page } = bob;
    await bob.sees(/5,0\d\d waiting/);
    const last = page.getByRole('row', { name: /job 5000 / });
    await page.getByRole('row').nth(1).hover();
    for (let screens = 0; screens < 500 && (await last.count()) === 0; screens += 1)
      await page.mouse.wheel(0, 5_000);
    await last.waitFor();
    // Only what is in sight is on the page.
    expect(await page.getByRole('row').count()).toBeLessThan(100);
    await last.click();
    await bob.isReady();
    await bob.press('Escape');
    await page.getByRole('row').nth(1).waitFor();
  });
});
