import { describe, expect, it } from '@jest/globals';
import { completion, until } from '@hitl/testing';
import type { Route } from 'playwright-core';
import type { Console } from './browser';
import { as, consoleSuite } from './suite';

const POLICY = `
version: 1
rules: [{ name: twice, when: metadata.kind == "twice", approvals: 2 }]
`;
const ALICE = as('alice');

describe('a reviewer', () => {
  const { stack, alice, visit, waiting, decides, review, takesEffect } = consoleSuite({ policy: POLICY });
  const contentOf = (job: any) => job.response.choices[0].message.content;
  /** Begins an edit of the open job by typing. */
  async function edits({ page, press }: Console, words: string): Promise<void> {
    await press('e');
    await page.getByRole('textbox', { name: 'Your response' }).waitFor();
    await page.keyboard.type(words);
  }
  const editor = ({ page }: Console) => page.getByRole('textbox', { name: 'Your response' });
  const heading = ({ page }: Console, name: string) =>
    page.getByRole('heading', { name, exact: true }).waitFor();
  /** Goes to a page as a link does, without loading the console anew. */
  const goes = ({ page }: Console, path: string) =>
    page.evaluate(`history.pushState({}, '', '${path}'); dispatchEvent(new PopStateEvent('popstate'))`);
  /** Alice's claim lapses, and Ben decides. */
  async function benDecides(id: string, decision: object): Promise<void> {
    await stack.http.delete(`/v1/reviews/${id}/claim`, ALICE);
    await decides(id, decision, 'ben');
  }
  /** Lets the next decision be undone for a minute: no slow machine may use up the five seconds. */
  const undoneForLong = ({ page }: Console, then: (route: Route, postData: object) => Promise<void>) =>
    page.route(
      '**/decision',
      (route) => then(route, { ...(route.request().postDataJSON() as object), undo_ms: 60_000 }),
      { times: 1 },
    );
  /** Holds the next request that fits until the answer is called for. Pages that are opened after this notice it at once. */
  async function held({ page }: Console, url: string, method: string): Promise<() => Promise<Route>> {
    let route: Route | undefined;
    await page.route(url, (each) => {
      if (route === undefined && each.request().method() === method) route = each;
      else void each.fallback();
    });
    return () => until('the page has asked', () => route);
  }

  it('does not save an edit of one answer as a judgement of the next, which another has written', async () => {
    const id = await waiting('x', { kind: 'twice' });
    await alice.opens(id);
    await edits(alice, ' from alice');
    await alice.sees('Draft saved');
    await benDecides(id, { verdict: 'edit', response: completion('from ben') });
    await alice.sees('Your edit was begun on response 1; this is response 2.');
    await heading(alice, 'What you wrote, not the response above');
    await alice.sees('from ben');
    await alice.press('Control+Enter');
    await alice.sees('Nothing was decided.');
    expect(await review(id)).toMatchObject({ revision: 2, review: { approved_by: ['ben'], held: null } });

    await alice.page.keyboard.type(', and more');
    await alice.sees('Draft saved');
    await alice.page.reload();
    await alice.sees('Your earlier draft is restored. It was begun on response 1; this is response 2.');
    await alice.button('Continue with mine').click();
    await alice.page.getByText('was begun on response 1').waitFor({ state: 'detached' });
    await alice.isReady();
    await editor(alice).focus();
    await alice.press('Control+Enter');
    await alice.sees('Approved with changes');
    await takesEffect(id);
    const job = await review(id);
    expect([job.revision, contentOf(job)]).toEqual([3, 'You said: x from alice, and more']);
  });

  it('is refused an edit of an answer that has changed unheard', async () => {
    const id = await waiting('x', { kind: 'twice' });
    alice.excuse(/ERR_FAILED .*\/v1\/events$| 412 .*\/decision$/);
    await alice.page.route('**/v1/events', (route) => route.abort());
    await alice.opens(id);
    await edits(alice, ' from alice');
    // The next reading of the job comes between the key and the request.
    const decision = await held(alice, '**/decision', 'POST');
    await alice.press('Control+Enter');
    await alice.sees('Deciding …');
    await benDecides(id, { verdict: 'edit', response: completion('from ben') });
    await (await decision()).continue();
    await alice.sees('The response has changed since you saw it.');
    await alice.sees('Your edit was begun on response 1; this is response 2.');
    expect(contentOf(await review(id))).toBe('from ben');
  });

  it('is told that an edit which breaks the form that was asked for delivers nothing', async () => {
    stack.stub.answer = () => ({ body: completion('{"total": 4}') });
    const payload = {
      model: 'stub',
      messages: [{ role: 'user', content: 'as JSON' }],
      response_format: { type: 'json_object' },
    };
    const { id } = await stack.submit(payload);
    await stack.reaches(id, 'human');
    await alice.opens(id);
    await edits(alice, ' dollars');
    await alice.sees(
      'Nothing can be delivered yet: this breaks the form that the request asks for. it must be JSON.',
    );
    await alice.press(...Array<string>(' dollars'.length).fill('Backspace'));
    await alice.press('ArrowLeft', '0');
    await editor(alice).getByText('{"total": 40}').waitFor();
    await alice.sees('Saving proposes your version: 1 of 2 approvals, yours.');
  });

  it('sees what was delivered when another’s edit has ended the job, and keeps the own text', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await edits(alice, ' from alice');
    await alice.sees('Draft saved');
    await benDecides(id, { verdict: 'edit', response: completion('from ben') });
    await alice.sees('This response is approved and delivered.');
    await heading(alice, 'What you wrote, not the response above');
    // Whoever is typing goes on typing.
    await alice.page.keyboard.type(' and j');
    await editor(alice).getByText('You said: x from alice and j').waitFor();
    await alice.press('Escape', 'p');
    const result = alice.page.getByRole('region', { name: 'What the submitter will get' });
    await result.getByText('from ben').waitFor();
    expect(await result.getByText('alice').count()).toBe(0);
    await alice.page.reload();
    await alice.sees('This response is approved and delivered.');
    await editor(alice).getByText('You said: x from alice and j').waitFor();
  });

  it('rejects no answer with words that were begun on the one before', async () => {
    const id = await waiting('x', { kind: 'twice' });
    await alice.opens(id);
    await alice.press('r');
    await alice.button('Release').waitFor();
    await alice.page.getByRole('textbox', { name: 'Why, for reviewers and auditors' }).fill('wrong');
    await benDecides(id, { verdict: 'edit', response: completion('from ben') });
    await heading(alice, 'Response 2 changed by a person');
    await alice.press('Control+Enter');
    await alice.sees('The response has changed since you began this.');
    await alice.isReady();
    expect((await review(id)).review).toMatchObject({ held: null });
    await alice.press('Control+Enter');
    await alice.sees('Rejected');
    await takesEffect(id);
  });

  it('finds a job that came back to the queue as it is now', async () => {
    const [second, first] = [await waiting('the second'), await waiting('the first', { priority: 9 })];
    await alice.opens(first);
    await alice.press('t');
    await alice.page.getByRole('textbox', { name: 'What it should do differently' }).waitFor();
    await alice.press('Control+Enter');
    await heading(alice, 'the second');
    expect(alice.page.url()).toContain(second);
    stack.stub.answer = () => ({ body: completion('another answer') });
    await takesEffect(first);
    await alice.sees('2 of 2');
    await goes(alice, `/review/${first}`);
    await heading(alice, 'Response 2');
    await alice.sees('another answer');
    await alice.isReady();
    await goes(alice, `/history/${first}`);
    await alice.page.getByRole('cell', { name: 'regenerated' }).waitFor();
  });

  it('finds a job that another has decided before it was opened', async () => {
    const [second, first] = [await waiting('the second'), await waiting('the first', { priority: 9 })];
    const read = alice.page.waitForResponse(new RegExp(`/v1/reviews/${second}$`));
    await alice.opens(first);
    await read;
    await decides(second, { verdict: 'approve' }, 'ben');
    await alice.sees('1 of 1');
    await goes(alice, `/review/${second}`);
    await alice.sees('This response is approved and delivered.');
  });

  it('is told of a decision that failed after they left the job', async () => {
    await waiting('the second');
    const first = await waiting('the first', { priority: 9 });
    const decision = await held(alice, '**/decision', 'POST');
    await alice.opens(first);
    await alice.sees('1 of 2');
    await alice.press('a');
    await alice.sees('Deciding …');
    await alice.press('j');
    await heading(alice, 'the second');
    alice.excuse(/ 409 .*\/decision$/);
    await benDecides(first, { verdict: 'reject' });
    await (await decision()).continue();
    await alice.sees('Not decided: the first. ben was first: reject. Yours was not counted.');
    await alice.button('Open it').click();
    await heading(alice, 'the first');
    await alice.sees('This job has ended without a response.');
  });

  it('stays where they have gone while a decision was sent', async () => {
    await waiting('the third');
    await waiting('the second', { priority: 5 });
    const first = await waiting('the first', { priority: 9 });
    const decision = await held(alice, '**/decision', 'POST');
    await alice.opens(first);
    await alice.sees('1 of 3');
    await alice.press('a');
    await alice.sees('Deciding …');
    await alice.press('j');
    await heading(alice, 'the second');
    await alice.press('j');
    await heading(alice, 'the third');
    await (await decision()).continue();
    await alice.sees('Approved.');
    await alice.press('d');
    await alice.sees("This is the model's response, unchanged.");
    await heading(alice, 'the third');
  });

  it('decides again after undoing a decision whose answer was lost', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    let isDecided = false;
    await undoneForLong(alice, async (route, postData) => {
      await route.fetch({ postData });
      isDecided = true;
    });
    await alice.press('a');
    await until('it is decided', () => isDecided);
    await alice.page.reload();
    await alice.sees(/^You have decided: approve/);
    await alice.press('z');
    await alice.sees('Undone. It waits again.');
    await alice.isReady();
    await undoneForLong(alice, (route, postData) => route.continue({ postData }));
    await alice.press('a');
    await alice.sees('Approved.');
  });

  it('may try again to undo when the server could not be reached', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await undoneForLong(alice, (route, postData) => route.continue({ postData }));
    await alice.press('a');
    await alice.button('Undo').waitFor();
    alice.excuse(/ERR_FAILED .*\/decision$/);
    await alice.page.route('**/decision', (route) => route.abort(), { times: 1 });
    await alice.press('z');
    await alice.sees('Not undone.');
    await alice.press('z');
    await alice.sees('Undone. It waits again.');
    await alice.button('Undo').waitFor({ state: 'detached' });
  });

  describe('at two machines', () => {
    async function goesOnAtDesktop(id: string, before: string, words: string): Promise<void> {
      const there = await visit('alice');
      await there.page.goto(`${stack.url}/review/${id}`);
      await there.sees('Your earlier draft is restored.');
      await editor(there).getByText(before).waitFor();
      await editor(there).focus();
      await there.press('Control+End');
      await there.page.keyboard.type(words);
      await there.sees('Draft saved');
      await there.page.goto(`${stack.url}/queue`);
    }

    it('goes on from the newest draft, wherever it was written', async () => {
      const id = await waiting('x');
      await alice.opens(id);
      await edits(alice, ' here');
      await alice.sees('Draft saved');
      await goesOnAtDesktop(id, 'You said: x here', ' and there');
      await alice.page.reload();
      await editor(alice).getByText('You said: x here and there').waitFor();
      await editor(alice).and(alice.page.locator(':focus')).waitFor();
      await alice.page.keyboard.type('!');
      await alice.sees('Draft saved');
      const draft = await stack.http.get(`/v1/reviews/${id}/draft`, ALICE);
      expect(draft.body.content.text).toBe('You said: x here and there!');
    });

    it('is offered the newer draft where the older one was never saved', async () => {
      const id = await waiting('x');
      await alice.opens(id);
      await edits(alice, ' here');
      await alice.sees('Draft saved');
      alice.excuse(/ERR_FAILED .*\/draft$/);
      await alice.page.route('**/draft', (route) => route.abort());
      await alice.page.keyboard.type(', unsaved');
      await alice.sees('Draft kept in this browser');
      await goesOnAtDesktop(id, 'You said: x here', ' and there');
      await alice.page.reload();
      await alice.page.unroute('**/draft');
      await alice.page.reload();
      await alice.sees('You have saved another draft for this job elsewhere');
      await editor(alice).getByText('You said: x here, unsaved').waitFor();
      const draft = await stack.http.get(`/v1/reviews/${id}/draft`, ALICE);
      expect(draft.body.content.text).toBe('You said: x here and there');
      await alice.button('Open it').click();
      await editor(alice).getByText('You said: x here and there').waitFor();
    });

    it('is asked before a page that stayed open saves over what was written elsewhere', async () => {
      alice.excuse(/ERR_FAILED .*\/v1\/events$/);
      await alice.page.route('**/v1/events', (route) => route.abort());
      const clock = await alice.takesClock();
      const id = await waiting('x');
      await alice.opens(id);
      await edits(alice, ' here');
      await alice.sees('Draft saved');
      await goesOnAtDesktop(id, 'You said: x here', ' and there');
      await clock.fastForward(11_000);
      await alice.page.keyboard.type('!');
      await alice.sees('You have saved another draft for this job elsewhere');
      const draft = async () => (await stack.http.get(`/v1/reviews/${id}/draft`, ALICE)).body.content.text;
      expect(await draft()).toBe('You said: x here and there');
      await alice.button('Discard it').click();
      await alice.sees('Draft saved');
      expect(await draft()).toBe('You said: x here!');
    });
  });

  it('leaves no job claimed that they left before the claim was answered', async () => {
    const id = await waiting('x');
    const claim = await held(alice, '**/claim', 'PUT');
    await alice.opens(id);
    await alice.press('c');
    const route = await claim();
    const released = alice.page.waitForRequest(
      (request) => request.method() === 'DELETE' && request.url().endsWith('/claim'),
    );
    await alice.press('Escape');
    await alice.page.getByRole('row', { name: 'x' }).waitFor();
    await route.continue();
    await (await released).response();
    expect((await review(id)).review.claim).toBeNull();
  });

  it('claims no job that they only pass by', async () => {
    const ids: string[] = [];
    for (let n = 1; n <= 3; n += 1) ids.push(await waiting(`job ${n}`, { priority: 9 - n }));
    const { page } = alice;
    const isRead = page.waitForResponse(new RegExp(`/v1/reviews/${ids[1]}$`));
    await alice.opens(ids[0]!);
    await alice.sees('1 of 3');
    await isRead;
    const clock = await alice.takesClock();
    await clock.pauseAt(Date.now() + 60_000);
    for (const name of ['job 2', 'job 3']) {
      await alice.press('j');
      await until(`${name} is open`, async () => {
        await clock.runFor(10);
        return (await page.getByRole('heading', { name, exact: true }).count()) > 0;
      });
    }
    await clock.resume();
    await alice.isReady();
    const { events } = (await stack.http.get(`/v1/reviews/${ids[1]}/history`)).body;
    expect(events.map(({ type }: any) => type)).not.toContain('claimed');
  });

  it('has no draft left of an edit that has become a vote', async () => {
    const id = await waiting('x', { kind: 'twice' });
    await alice.opens(id);
    await edits(alice, ' and more');
    await alice.sees('Draft saved');
    await alice.press('Control+Enter');
    await alice.sees('Approved with changes');
    await takesEffect(id);
    expect((await review(id)).draft_saved_at).toBeNull();
  });
});
