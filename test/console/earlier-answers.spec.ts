import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { completion, startStack, type Stack } from '@hitl/testing';
import type { Browser } from 'playwright-core';
import { INSTALL_PATIENCE, openBrowser, openConsole, type Console } from './browser';

describe('earlier answers in the console', () => {
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

  beforeEach(async () => {
    stack.stub.answer = ({ body }) => ({
      body: completion(`You said: ${(body as any).messages.at(-1).content}`),
    });
    alice = await openConsole(browser, stack.url);
  });

  afterEach(async () => {
    const { faults } = alice;
    await alice.close();
    expect(faults).toEqual([]);
  });

  const as = { 'x-hitl-actor': 'alice' };
  async function waiting(payload: object = {}): Promise<string> {
    const messages = [{ role: 'user', content: 'a question' }];
    const { id } = await stack.submit({ model: 'stub', messages, ...payload });
    await stack.reaches(id, 'human');
    return id;
  }

  it('can be taken again from the history, and approved', async () => {
    const id = await waiting();
    await stack.decide(id, { verdict: 'regenerate', feedback: 'Shorter.' }, as);
    await stack.reaches(id, 'human');
    await alice.opens(id);
    await alice.sees('You said: Shorter.');
    await alice.press('h');
    await alice.button('Use this answer').click();
    await alice.page.getByRole('heading', { name: 'Answer 3' }).waitFor();
    await alice.sees('Answer 3: answer 1 again');
    await alice.isReady();
    await alice.press('a');
    await alice.sees('Approved.');
    await stack.database.query('UPDATE jobs SET held_until = now() WHERE held_until > now()');
    expect((await stack.reaches(id, 'success')).response).toEqual(completion('You said: a question'));
  });

  it('come back by themselves, with the reason, when the model gives no other one', async () => {
    const id = await waiting();
    stack.stub.answer = () => ({ status: 400, body: { error: { message: 'Roles must alternate.' } } });
    await stack.decide(id, { verdict: 'regenerate', feedback: 'Shorter.' }, as);
    await stack.reaches(id, 'human');
    await alice.opens(id);
    await alice.sees(/The model gave no other answer.*Roles must alternate\./);
    await alice.sees('alice had asked: Shorter.');
    await alice.sees('You said: a question');
  });

  it('are taken back while the model writes another one', async () => {
    const id = await waiting();
    stack.stub.answer = () => 'hang';
    await stack.decide(id, { verdict: 'regenerate' }, as);
    await alice.page.goto(`${stack.url}/review/${id}`);
    await alice.button('Take the earlier answer back').click();
    await alice.page.getByRole('heading', { name: 'Answer 2' }).waitFor();
    expect((await stack.http.get(`/v1/reviews/${id}`)).body).toMatchObject({ status: 'human', revision: 2 });
  });

  it('that are not what the client asked for say so, in the queue, before many are approved, and above the answer', async () => {
    const schema = { type: 'object', required: ['answer'] };
    const response_format = { type: 'json_schema', json_schema: { name: 'r', schema } };
    const id = await waiting({ response_format });
    const row = alice.page.getByRole('row').filter({ hasText: 'breaks its form' });
    await row.getByRole('checkbox').check();
    await alice.button(/^Approve the answer/).click();
    await alice.sees('1 of them is not what the request asks for.');
    await alice.button('No').click();
    await alice.opens(id);
    const told = alice.page.getByRole('region', { name: 'Not what the request asks for' });
    await told.getByText('/response/choices/0/message/content').waitFor();
    await told.getByText(/must be JSON/).waitFor();
  });
});
