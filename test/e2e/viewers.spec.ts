import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startService, startStack, testAmqpUrl, until, WAYS, type Stack } from '@hitl/testing';
import { readEvents } from './streamed-events';

const as = (name: string) => ({ 'x-hitl-actor': name });

describe.each(WAYS)('who looks at a job: $name', ({ way }) => {
  let stack: Stack;
  let job: string;

  beforeAll(async () => {
    stack = await startStack(way);
    ({ id: job } = await stack.submit({ input: 'x' }));
    await stack.reaches(job, 'human');
  });

  afterAll(() => stack.stop());

  const look = (name: string, id = job) => stack.http.put(`/v1/reviews/${id}/viewers`, undefined, as(name));
  const leave = (name: string) => stack.http.delete(`/v1/reviews/${job}/viewers`, as(name));

  it('is answered to whoever looks, and told to whoever follows the events, but not to the submitter', async () => {
    const submitter = readEvents(`${stack.url}/v1/jobs/${job}/events`);
    const ofViewers = ({ event }: { event: string }) => event === 'viewers';
    let told: unknown[] = [];
    void readEvents(`${stack.url}/v1/events`, {
      enough: (events) => {
        told = events.filter(ofViewers).map(({ id, data }) => ({ id, data }));
        return told.length >= 4;
      },
    });
    // The first of them may come before the stream is open.
    await until('four changes are told', async () => {
      expect((await look('bob')).body).toEqual({ viewers: ['bob'] });
      expect((await look('alice', job.toUpperCase())).body).toEqual({ viewers: ['alice', 'bob'] });
      expect((await leave('bob')).status).toBe(204);
      expect((await leave('bob')).status).toBe(204);
      expect((await leave('alice')).status).toBe(204);
      return told.length >= 4;
    });
    const cycle = [['bob'], ['alice', 'bob'], ['alice'], []];
    const first = cycle.findIndex((names) => names.join() === (told[0] as any).data.viewers.join());
    expect(told.slice(0, 4)).toEqual(
      [0, 1, 2, 3].map((n) => ({ data: { job_id: job, viewers: cycle[(first + n) % 4] } })),
    );
    await stack.decide(job, { verdict: 'approve' });
    expect((await submitter).filter(ofViewers)).toEqual([]);
  });

  it('is not kept of a job that there is not', async () => {
    expect(await look('bob', randomUUID())).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
    expect((await look('bob', 'x')).status).toBe(404);
  });

  if (way !== 'services') return;

  it('is known at every gateway', async () => {
    const second = await startService('gateway', {
      DATABASE_URL: stack.database.url,
      AMQP_URL: testAmqpUrl(),
    });
    try {
      await look('bob');
      const viewers = async () => {
        const init = { method: 'PUT', headers: as('alice') };
        return (await fetch(`${second.url}/v1/reviews/${job}/viewers`, init)).json();
      };
      await until('the second gateway knows of bob', async () => {
        await look('bob');
        return JSON.stringify(await viewers()) === '{"viewers":["alice","bob"]}';
      });
      await leave('bob');
      await until('bob has left', async () => JSON.stringify(await viewers()) === '{"viewers":["alice"]}');
    } finally {
      await second.stop();
    }
  });
});
