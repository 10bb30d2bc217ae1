import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import axe from 'axe-core';
import { consoleSuite } from './suite';

const SETTINGS = {
  WEBHOOK_ALLOW_PRIVATE: 'true',
  WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 5).toString('base64')}`,
};

describe('the console’s page of one job', () => {
  const { stack, database, alice, decides } = consoleSuite({
    settings: SETTINGS,
    answer: () => ({ body: completion('four') }),
  });
  let receiver: Server;
  let callback: string;

  beforeAll(async () => {
    receiver = createServer((_request, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    callback = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/mine`;
  });

  afterAll(() => {
    receiver.close();
  });

  async function opened(more: { callback_url?: string } = {}): Promise<string> {
    const { id } = await stack.submit({ messages: [{ role: 'user', content: 'two and two' }] }, more);
    await stack.reaches(id, 'human');
    await alice.page.goto(`${stack.url}/history/${id}`);
    return id;
  }
  const violations = async () => {
    await alice.page.evaluate(axe.source);
    const { violations: found } = await alice.page.evaluate<axe.AxeResults>('axe.run()');
    return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
  };

  it('says that the record is whole, again with each event, and whom the end was told', async () => {
    const id = await opened({ callback_url: callback });
    await alice.sees('The audit log is intact: 2 events, each linked to the one before.');
    await alice.sees('Nothing is sent before the job has ended.');
    await decides(id, { verdict: 'approve' });
    await alice.sees('The audit log is intact: 3 events, each linked to the one before.');
    const webhooks = alice.page.getByRole('region', { name: 'Webhooks' });
    await webhooks.getByRole('row', { name: `${callback} the job’s callback_url delivered 204` }).waitFor();
    expect(await violations()).toEqual([]);
  });

  it('verifies the record anew when something happens meanwhile', async () => {
    await alice.page.route('**/chain', () => undefined, { times: 1 });
    const id = await opened();
    await alice.sees('Verifying the audit log');
    await decides(id, { verdict: 'approve' });
    await alice.sees('The audit log is intact: 3 events');
  });

  it('says of a job whose contents are erased that they are, and why', async () => {
    const id = await opened();
    await decides(id, { verdict: 'approve' });
    expect((await stack.http.post(`/v1/jobs/${id}/erase`, { reason: 'The customer asked' })).status).toBe(
      200,
    );
    await alice.sees('The audit log is intact: 4 events');
    await alice.sees('It is erased.');
    await alice.sees('The customer asked');
    expect(await violations()).toEqual([]);
    await alice.opens(id);
    await alice.sees('with the response and everything else that the job was about.');
    await alice.sees('Erased. The history still says who did what and when.');
    expect(await violations()).toEqual([]);
  });

  it('says what of the record does not fit, at its event', async () => {
    const id = await opened();
    await decides(id, { verdict: 'approve' }, 'bob');
    await alice.sees('The audit log is intact: 3 events');
    await database.query(`UPDATE job_events SET actor = 'mallory' WHERE job_id = $1 AND seq = 2`, [id]);
    await alice.button('Verify again').click();
    await alice.sees('The audit log is not intact. These entries do not match:');
    await alice.sees('Event 2 (inferred) does not match its hash: it was changed');
    const rows = alice.page.getByRole('region', { name: 'Events' }).getByRole('row');
    await rows.getByText('Event 2 (inferred) does not match its hash').waitFor();
    const told = await rows.allInnerTexts();
    expect(told.slice(1).map((row) => /submitted|Event 2|inferred|decided/.exec(row)?.[0])).toEqual([
      'submitted',
      'inferred',
      'Event 2',
      'decided',
    ]);
    expect(await violations()).toEqual([]);
  });

  it('says why the record could not be verified, and tries again when asked to', async () => {
    alice.excuse(/ 409 .*\/chain$/);
    await alice.page.route('**/chain', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'x', detail: 'The database is having a rest.' }),
      }),
    );
    await opened();
    await alice.sees('The audit log could not be verified. The database is having a rest.');
    await alice.page.unroute('**/chain');
    await alice.button('Verify again').click();
    await alice.sees('The audit log is intact: 2 events');
  });
});
