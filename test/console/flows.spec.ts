import { describe, expect, it } from '@jest/globals';
import { completion, until } from '@hitl/testing';
import type { Console } from './browser';
import { as, consoleSuite } from './suite';

describe('the console', () => {
  const {
    stack,
    database,
    alice,
    visit,
    waiting,
    claims,
    claimEnds,
    decides,
    review,
    takesEffect,
    delivered,
  } = consoleSuite();
  async function reaches(id: string, status: string): Promise<any> {
    await takesEffect(id);
    return stack.reaches(id, status);
  }
  /** Waits until a page knows that nobody has its job. */
  const mayClaim = ({ page }: Console) =>
    page.getByRole('button', { name: 'Claim', disabled: false }).waitFor();

  it('takes a stranger from their name to an edited answer, by keyboard alone', async () => {
    const { page, press, sees } = await visit(null);
    await page.getByRole('dialog', { name: 'Who are you?' }).waitFor();
    await page.keyboard.type('nora');
    await press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const link = page.locator('nav a:focus', { hasText: 'Try it' });
    for (let tabs = 0; tabs < 20 && (await link.count()) === 0; tabs += 1) await press('Tab');
    await press('Enter');
    await page.getByRole('textbox', { name: 'Question' }).waitFor();
    await page.keyboard.type('Name a colour');
    await press('Control+Enter');
    await sees('You said: Name a colour');
    const id = page.url().split('/').at(-1)!;
    await page.locator('[role=toolbar][aria-busy=false]').waitFor();
    expect((await review(id)).review.claim).toBeNull();

    await press('e');
    await page.getByRole('textbox', { name: 'Your response' }).waitFor();
    await page.getByRole('button', { name: 'Release' }).waitFor();
    expect((await review(id)).review.claim.by).toBe('nora');
    await page.keyboard.type(' – say blue');
    await press('Control+Enter');
    await sees('Approved with changes. It takes effect in 5s.');
    expect(await delivered(id)).toBe('You said: Name a colour – say blue');
    const { decisions } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
    expect(decisions).toMatchObject([{ verdict: 'edit', actor: 'nora' }]);
  });

  it('opens the queue’s first job by j and Enter, and the next one after a decision', async () => {
    const [second, first] = [await waiting('the second'), await waiting('the first', { priority: 9 })];
    await alice.page.getByRole('row', { name: 'the first' }).waitFor();
    await alice.press('j', 'Enter');
    await alice.isReady();
    await alice.press('a');
    await alice.page.getByRole('heading', { name: 'the second' }).waitFor();
    expect(await delivered(first)).toBe('You said: the first');
    expect(alice.page.url()).toContain(second);
  });

  it('rejects with the reason of a number key', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('r', '2');
    await alice.page.getByRole('radio', { name: 'Unsafe', checked: true }).waitFor();
    await alice.press('Control+Enter');
    await alice.sees('Rejected.');
    expect(await reaches(id, 'fail')).toMatchObject({ failure: { reason: 'rejected' } });
    const { decisions } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
    expect(decisions).toMatchObject([{ verdict: 'reject', reason_code: 'unsafe', actor: 'alice' }]);
  });

  it('asks the model again with feedback, and shows its new answer where one waits for it', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('t');
    await alice.page.getByRole('textbox', { name: 'What it should do differently' }).waitFor();
    await alice.page.keyboard.type('Shorter, please');
    stack.stub.answer = () => ({ body: completion('short') });
    await alice.press('Control+Enter');
    await alice.sees('Sent back to the model.');
    await reaches(id, 'human');
    await alice.page.goto(`${stack.url}/review/${id}`);
    await alice.page.getByRole('heading', { name: 'Response 2' }).waitFor();
    await alice.sees('short');
    await alice.sees('Shorter, please');
    expect(JSON.stringify(stack.stub.requests.at(-1)!.body)).toContain('Shorter, please');
  });

  it('fires no key while one types', async () => {
    const letters = 'aertzxjkcndvph?1';
    const id = await waiting('x');
    await alice.page.getByRole('row').nth(1).waitFor();
    await alice.press('/');
    await alice.page.keyboard.type(letters);
    expect(await alice.page.getByRole('searchbox', { name: 'Search what was asked' }).inputValue()).toBe(
      letters,
    );
    await alice.sees('Nothing matches these filters');

    await alice.opens(id);
    await alice.press('n');
    const note = alice.page.getByRole('textbox', { name: 'For reviewers and auditors' });
    await note.waitFor();
    await alice.page.keyboard.type(letters);
    expect(await note.inputValue()).toBe(letters);
    await alice.press('Escape', 'Escape');
    await note.waitFor({ state: 'detached' });

    await alice.press('e');
    const answer = alice.page.getByRole('textbox', { name: 'Your response' });
    await answer.waitFor();
    await alice.page.keyboard.type(letters);
    await answer.getByText(letters).waitFor();
    expect(await alice.page.getByRole('dialog').count()).toBe(0);
    expect(await review(id)).toMatchObject({ status: 'human', revision: 1, review: { held: null } });
  });

  it('shows two reviewers who has the job, and tells the second who was first', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('c');
    const bob = await visit('bob');
    await bob.page.getByRole('row').nth(1).getByText('alice').waitFor();
    await bob.page.goto(`${stack.url}/review/${id}`);
    await bob.sees(/^alice has this job for .* more/);
    await bob.page.getByRole('button', { name: 'Approve', disabled: true }).waitFor();
    await alice.page
      .getByRole('status')
      .filter({ hasText: /^bob ?is looking, too$/ })
      .waitFor();

    await alice.press('c');
    await alice.button('Claim').waitFor();
    await mayClaim(bob);
    await bob.press('c');
    await bob.button('Release').waitFor();
    await alice.sees(/^bob has this job for .* more/);
    await bob.page
      .getByRole('status')
      .filter({ hasText: /^alice ?is looking, too$/ })
      .waitFor();
    await bob.press('a');
    await bob.sees('Approved.');
    await alice.page.getByText('is looking, too').waitFor({ state: 'detached' });
    await alice.sees(/^bob has decided: approve\. It takes effect at /);
    await reaches(id, 'success');
    await alice.sees('This response is approved and delivered.');
    const answer = await stack.decide(id, { verdict: 'reject' }, as('alice'));
    expect(answer.body.current.decision).toMatchObject({ verdict: 'approve', by: 'bob' });
  });

  it('tells a reviewer whose claim was lost unseen who was first', async () => {
    const id = await waiting('x');
    alice.excuse(/ERR_FAILED .*\/v1\/events$| 409 .*\/(decision|claim)$/);
    // Alice's page hears nothing of what others do.
    await alice.page.route('**/v1/events', (route) => route.abort());
    await alice.opens(id);
    await alice.press('r');
    await until('the claim is asked for', async () => (await review(id)).review.claim);
    await stack.http.delete(`/v1/reviews/${id}/claim`, as('alice'));
    await decides(id, { verdict: 'approve' }, 'bob');
    await alice.press('Control+Enter');
    await alice.sees('bob was first: approve. Yours was not counted.');
  });

  it('tells the later of two who decide at once who was first, and until when that can be undone', async () => {
    const id = await waiting('x');
    alice.excuse(/ERR_FAILED .*\/v1\/events$| 409 .*\/decision$/);
    // Alice's page hears nothing of what others do.
    await alice.page.route('**/v1/events', (route) => route.abort());
    await alice.opens(id);
    const first = await stack.decide(id, { verdict: 'approve', undo_ms: 60_000 }, as('bob'));
    expect(first.status).toBe(200);
    await alice.press('a');
    await alice.sees(
      /^bob was first: approve, which takes effect at [\d:]+ ?([AP]M)? unless it is undone\. Yours was not counted\.$/,
    );
  });

  it('decides on many at once, after asking once', async () => {
    const ids = [];
    for (let n = 1; n <= 3; n += 1) ids.push(await waiting(`job ${n}`));
    await alice.page.getByRole('row').nth(3).waitFor();
    await alice.press('j', 'x', 'j', 'x', 'a');
    await alice.sees('Deliver 2 responses as they are?');
    expect((await review(ids[0]!)).status).toBe('human');
    await alice.press('Enter');
    await alice.sees(/^Approved: 2\. They take effect in (10|9)s\.$/);
    expect(await delivered(ids[0]!)).toBe('You said: job 1');
    expect(await delivered(ids[1]!)).toBe('You said: job 2');
    await alice.page.getByRole('row', { name: 'job 1' }).waitFor({ state: 'detached' });
    expect((await review(ids[2]!)).status).toBe('human');
  });

  it('rejects many at once, with a reason by its number', async () => {
    const id = await waiting('x');
    await alice.page.getByRole('row').nth(1).waitFor();
    await alice.press('j', 'x', 'r', '1');
    await alice.page.getByRole('radio', { name: 'Factually wrong', checked: true }).waitFor();
    await alice.press('Enter');
    await alice.sees('Rejected: 1.');
    await reaches(id, 'fail');
    const { decisions } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
    expect(decisions).toMatchObject([{ verdict: 'reject', reason_code: 'incorrect' }]);
  });

  it('keeps the number of a reason that is pressed before the reasons have come', async () => {
    const id = await waiting('x');
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await alice.page.route('**/v1/policies/current', (route) => released.then(() => route.continue()));
    await alice.page.reload();
    await alice.page.getByRole('row').nth(1).waitFor();
    await alice.press('j', 'x', 'r', '2');
    await alice.sees('Reject the response? Nothing will be delivered.');
    release();
    await alice.page.getByRole('radio', { checked: true }).getByText('2').waitFor();
    await alice.press('Enter');
    await alice.sees('Rejected: 1.');
    await reaches(id, 'fail');
  });

  it('takes many decisions back at once by z, but for those that have taken effect', async () => {
    const ids = [];
    for (let n = 1; n <= 3; n += 1) ids.push(await waiting(`job ${n}`));
    await alice.page.getByRole('row').nth(3).waitFor();
    await alice.page.route(
      '**/decisions',
      (route) => {
        const { decisions } = route.request().postDataJSON() as { decisions: object[] };
        const longer = decisions.map((each) => ({ ...each, undo_ms: 60_000 }));
        return route.continue({ postData: { decisions: longer } });
      },
      { times: 1 },
    );
    await alice.press('j', 'x', 'j', 'x', 'j', 'x', 'a', 'Enter');
    await alice.button('Undo').waitFor();
    await alice.page.getByText('approve by alice').nth(2).waitFor();
    await delivered(ids[0]!);
    alice.excuse(/ 409 .*\/decision$/);
    await alice.press('z');
    await alice.sees('Undone: 2. They wait again.');
    await alice.sees('Not undone: 1.');
    for (const id of ids.slice(1))
      expect(await review(id)).toMatchObject({ status: 'human', review: { held: null } });
    await alice.page.getByText('approve by alice').first().waitFor({ state: 'detached' });
  });

  it('shows the difference, the raw answer, the result, notes and the history by their keys, and goes back', async () => {
    const [last, first] = [await waiting('the last'), await waiting('**the first**', { priority: 9 })];
    await alice.page.getByRole('row', { name: 'the first' }).waitFor();
    await alice.press('j', 'Enter');
    await alice.sees('1 of 2');
    await alice.press('j');
    await alice.page.getByRole('heading', { name: 'the last' }).waitFor();
    expect(alice.page.url()).toContain(last);
    await alice.press('k');
    await alice.page.getByRole('heading', { name: 'the first' }).waitFor();
    expect(alice.page.url()).toContain(first);
    await alice.sees('Approving delivers this response as the model wrote it.');
    await alice.press('d');
    await alice.sees("This is the model's response, unchanged.");
    await alice.press('d', 'v');
    await alice.page.getByRole('textbox', { name: 'The response as it is' }).waitFor();
    await alice.press('v', 'p');
    await alice.page.getByRole('textbox', { name: 'What the submitter will get' }).waitFor();
    await alice.press('p', 'n');
    await alice.page.getByRole('textbox', { name: 'For reviewers and auditors' }).waitFor();
    await alice.page.keyboard.type('Ask bob');
    await alice.press('Control+Enter');
    await alice.sees('Note saved.');
    await alice.press('h');
    await alice.sees('Ask bob');
    await alice.press('Escape');
    await alice.page.getByRole('row', { name: 'the last' }).waitFor();
  });

  it('keeps the queue up to date wherever one is', async () => {
    await alice.opens(await waiting('the first'));
    await alice.sees('1 of 1');
    await waiting('the second');
    await alice.sees('1 of 2');
    await alice.press('Escape');
    await alice.page.getByRole('row', { name: 'the second' }).waitFor();
    await alice.page.getByRole('link', { name: 'Insight' }).click();
    await alice.sees('Waiting now');
    await waiting('the third');
    await alice.page.getByRole('link', { name: 'Queue' }).click();
    await alice.page.getByRole('row', { name: 'the third' }).waitFor();
  });

  it('shows what came to wait while the queue was being read', async () => {
    const { page } = alice;
    await alice.sees('Nothing is waiting for you');
    let answer: (() => Promise<void>) | undefined;
    await page.route(/review-summaries\?model=stub&limit=200$/, async (route) => {
      const response = await route.fetch();
      answer = () => route.fulfill({ response });
    });
    await page.getByRole('combobox', { name: 'Model' }).fill('stub');
    await until('the queue has been read', () => answer);
    await waiting('x');
    // If the page looks for the job already now, what was read before overwrites it.
    await page.waitForResponse(/[?&]ids=/, { timeout: 2_000 }).catch(() => undefined);
    await answer!();
    await page.getByRole('row', { name: 'x' }).waitFor();
  });

  it('keeps the words of a form that one leaves', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('r', '3');
    const why = alice.page.getByRole('textbox', { name: 'Why, for reviewers and auditors' });
    await why.fill('No source');
    await alice.press('Escape', 'Escape', 'Escape');
    await alice.page.getByRole('row').nth(1).waitFor();
    await alice.press('j', 'Enter');
    await alice.isReady();
    await alice.press('r');
    await alice.page.getByRole('radio', { name: 'Incomplete', checked: true }).waitFor();
    expect(await why.inputValue()).toBe('No source');
    await alice.press('Control+Enter');
    await alice.sees('Rejected.');
    await reaches(id, 'fail');
    const { decisions } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
    expect(decisions).toMatchObject([{ reason_code: 'incomplete', reason: 'No source' }]);
  });

  it('takes another key for a command, and no longer the old one', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('?');
    await alice.page.getByRole('button', { name: 'Change the key for: Approve, now a' }).press('Enter');
    await alice.press('q', 'Escape');
    await alice.page.getByRole('dialog').waitFor({ state: 'detached' });
    await alice.press('a', 'd');
    await alice.sees("This is the model's response, unchanged.");
    expect((await review(id)).status).toBe('human');
    await alice.press('q');
    await alice.sees('Approved.');
    expect(await delivered(id)).toBe('You said: x');
  });

  it('offers the names that there are as filters', async () => {
    await waiting('x');
    await alice.page.getByRole('row').nth(1).waitFor();
    await alice.page.getByRole('combobox', { name: 'Model' }).fill('none');
    await alice.sees('Nothing matches these filters');
    expect(
      await alice.page.locator('datalist option').evaluateAll((all: any[]) => all.map(({ value }) => value)),
    ).toEqual(['stub']);
  });

  it('keeps what one writes while offline, and sends it when one is back', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('e');
    await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
    alice.excuse(/ERR_INTERNET_DISCONNECTED/);
    await alice.page.context().setOffline(true);
    await alice.sees('The server cannot be reached. What you see may be out of date');
    await alice.page.keyboard.type(' and more');
    await alice.sees('Draft kept in this browser');
    await alice.page.context().setOffline(false);
    await alice.sees('Draft saved');
    await alice.page.getByText('What you see may be out of date').waitFor({ state: 'detached' });
    const draft = await stack.http.get(`/v1/reviews/${id}/draft`, as('alice'));
    expect(draft.body.content).toEqual({ text: 'You said: x and more' });
    await alice.press('Control+Enter');
    await alice.sees('Approved with changes.');
    expect(await delivered(id)).toBe('You said: x and more');
  });

  it('keeps an edit through a restart of the server and a reload of the page', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('e');
    await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
    await alice.page.keyboard.type(' before');
    alice.excuse(/net::ERR_| 503 /);
    const restarted = stack.restart('standalone');
    await alice.sees('The server cannot be reached. What you see may be out of date');
    await alice.page.keyboard.type(' and while it was away');
    await restarted;
    await alice.page.getByText('What you see may be out of date').waitFor({ state: 'detached' });
    await alice.page.reload();
    await alice.sees('Your earlier draft is restored.');
    await alice.isReady();
    await alice.press('Control+Enter');
    await alice.sees('Approved with changes.');
    expect(await delivered(id)).toBe('You said: x before and while it was away');
  });

  it('keeps an edit through a crash of the tab', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    // Only this browser has the draft: none has reached the server.
    alice.excuse(/\/draft$/);
    await alice.page.route('**/draft', (route) => route.abort());
    await alice.press('e');
    await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
    await alice.page.keyboard.type(' and more');
    await alice.sees('Draft kept in this browser');
    const crashed = alice.page.waitForEvent('crash');
    await alice.page.goto('chrome://crash').catch(() => undefined);
    await crashed;
    const page = await alice.page.context().newPage();
    await page.goto(`${stack.url}/review/${id}`);
    await page.getByText('Your earlier draft is restored.').waitFor();
    await page.locator('[role=toolbar][aria-busy=false]').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByText('Approved with changes.').waitFor();
    expect(await delivered(id)).toBe('You said: x and more');
  });

  it('takes a decision back by z, with all that was written for it, and the job waits again', async () => {
    const id = await waiting('x');
    await alice.opens(id);
    await alice.press('e');
    await alice.page.getByRole('textbox', { name: 'Your response' }).waitFor();
    await alice.page.keyboard.type(' and more');
    // No slow machine may use up the five seconds.
    await alice.page.route(
      '**/decision',
      (route) => route.continue({ postData: { ...route.request().postDataJSON(), undo_ms: 60_000 } }),
      { times: 1 },
    );
    await alice.press('Control+Enter');
    await alice.button('Undo').waitFor();
    expect((await review(id)).review.held).toMatchObject({ verdict: 'edit', by: 'alice' });
    await alice.page.getByRole('row', { name: 'edit by alice' }).waitFor();
    await alice.press('z');
    await alice.sees('Undone. It waits again.');
    await alice.page
      .getByRole('textbox', { name: 'Your response' })
      .getByText('You said: x and more')
      .waitFor();
    await alice.isReady();
    expect(await review(id)).toMatchObject({ status: 'human', review: { held: null } });
  });

  it('takes a decision back on the page of its job', async () => {
    const id = await waiting('x');
    await claims(id, 'alice');
    await decides(id, { verdict: 'reject', undo_ms: 60_000 }, 'alice');
    const bob = await visit('bob');
    await bob.page.goto(`${stack.url}/review/${id}`);
    await bob.sees(/^alice has decided: reject\. It takes effect at /);
    expect(await bob.button('Undo').count()).toBe(0);
    await alice.page.goto(`${stack.url}/review/${id}`);
    await alice.sees(/^You have decided: reject\. It takes effect at /);
    await alice.press('z');
    await alice.sees('Undone. It waits again.');
    await alice.isReady();
    await bob.sees(/^alice has this job/);
  });

  it('warns before an idle reviewer’s claim ends, and then another may have the job', async () => {
    const id = await waiting('x');
    await claims(id, 'alice');
    const bob = await visit('bob');
    await claimEnds(id, 6);
    await alice.page.goto(`${stack.url}/review/${id}`);
    await bob.page.goto(`${stack.url}/review/${id}`);
    await alice.sees(/^Your claim ends in/);
    await bob.sees(/^alice has this job/);
    await alice.button('Claim').waitFor();
    await until('the claim has ended', async () => (await review(id)).review.claim === null);
    await mayClaim(bob);
    await bob.press('c');
    await bob.button('Release').waitFor();
    await alice.sees(/^bob has this job/);
  });

  describe('with earlier answers', () => {
    it('takes one of them from the history, and approves it', async () => {
      const id = await waiting('a question');
      await decides(id, { verdict: 'regenerate', feedback: 'Shorter.' });
      await stack.reaches(id, 'human');
      await alice.opens(id);
      await alice.sees('You said: Shorter.');
      await alice.press('h');
      await alice.button('Use this response').click();
      await alice.page.getByRole('heading', { name: 'Response 3' }).waitFor();
      await alice.sees('Response 3: response 1 again');
      await alice.isReady();
      await alice.press('a');
      await alice.sees('Approved.');
      await database.query('UPDATE jobs SET held_until = now() WHERE held_until > now()');
      expect((await stack.reaches(id, 'success')).response).toEqual(completion('You said: a question'));
    });

    it('has the last one back, with the reason, when the model gives no other', async () => {
      const id = await waiting('a question');
      stack.stub.answer = () => ({ status: 400, body: { error: { message: 'Roles must alternate.' } } });
      await decides(id, { verdict: 'regenerate', feedback: 'Shorter.' });
      await stack.reaches(id, 'human');
      await alice.opens(id);
      await alice.sees(/The model returned no new response.*Roles must alternate\./);
      await alice.sees('alice had asked: Shorter.');
      await alice.sees('You said: a question');
    });

    it('takes the last one back while the model writes another', async () => {
      const id = await waiting('a question');
      stack.stub.answer = () => 'hang';
      await decides(id, { verdict: 'regenerate' });
      await alice.page.goto(`${stack.url}/review/${id}`);
      await alice.button('Use the earlier response').click();
      await alice.page.getByRole('heading', { name: 'Response 2' }).waitFor();
      expect(await review(id)).toMatchObject({ status: 'human', revision: 2 });
    });

    it('tells that an answer is not what the client asked for in the queue, before many are approved, and above it', async () => {
      const schema = { type: 'object', required: ['answer'] };
      const response_format = { type: 'json_schema', json_schema: { name: 'r', schema } };
      const id = await waiting('a question', { payload: { response_format } });
      const row = alice.page.getByRole('row').filter({ hasText: 'breaks its form' });
      await row.getByRole('checkbox').check();
      await alice.button(/^Approve the response/).click();
      await alice.sees('1 of them is not what the request asks for.');
      await alice.button('No').click();
      await alice.opens(id);
      const told = alice.page.getByRole('region', { name: 'Not what the request asks for' });
      await told.getByText('/response/choices/0/message/content').waitFor();
      await told.getByText(/must be JSON/).waitFor();
    });
  });
});
