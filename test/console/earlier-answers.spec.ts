import { describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import { consoleSuite } from './suite';

describe('earlier answers in the console', () => {
  const { stack, database, alice, waiting, decides, review } = consoleSuite();

  it('can be taken again from the history, and approved', async () => {
    const id = await waiting('a question');
    await decides(id, { verdict: 'regenerate', feedback: 'Shorter.' });
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
    await database.query('UPDATE jobs SET held_until = now() WHERE held_until > now()');
    expect((await stack.reaches(id, 'success')).response).toEqual(completion('You said: a question'));
  });

  it('come back by themselves, with the reason, when the model gives no other one', async () => {
    const id = await waiting('a question');
    stack.stub.answer = () => ({ status: 400, body: { error: { message: 'Roles must alternate.' } } });
    await decides(id, { verdict: 'regenerate', feedback: 'Shorter.' });
    await stack.reaches(id, 'human');
    await alice.opens(id);
    await alice.sees(/The model gave no other answer.*Roles must alternate\./);
    await alice.sees('alice had asked: Shorter.');
    await alice.sees('You said: a question');
  });

  it('are taken back while the model writes another one', async () => {
    const id = await waiting('a question');
    stack.stub.answer = () => 'hang';
    await decides(id, { verdict: 'regenerate' });
    await alice.page.goto(`${stack.url}/review/${id}`);
    await alice.button('Take the earlier answer back').click();
    await alice.page.getByRole('heading', { name: 'Answer 2' }).waitFor();
    expect(await review(id)).toMatchObject({ status: 'human', revision: 2 });
  });

  it('that are not what the client asked for say so, in the queue, before many are approved, and above the answer', async () => {
    const schema = { type: 'object', required: ['answer'] };
    const response_format = { type: 'json_schema', json_schema: { name: 'r', schema } };
    const id = await waiting('a question', { payload: { response_format } });
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
