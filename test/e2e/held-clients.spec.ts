import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startService, startStack, testAmqpUrl, until, type ServiceProcess, type Stack } from '@hitl/testing';
import pg from 'pg';
import { Asked, call, chat } from './held-call';

let questions = 0;
/** A question that nobody has asked before. */
const aQuestion = () => `question ${++questions}`;
const RETRY = { headers: { 'x-stainless-retry-count': '1' } };

describe('clients that were held and come back', () => {
  let stack: Stack;
  let other: ServiceProcess;
  let asked: Asked;
  const aGateway = () =>
    startService('gateway', { DATABASE_URL: stack.database.url, AMQP_URL: testAmqpUrl() });
  beforeAll(async () => {
    stack = await startStack('services');
    other = await aGateway();
    asked = new Asked(stack);
  });
  afterAll(async () => {
    await other.stop();
    await stack.stop();
  });

  it('get the job that they have, at any gateway', async () => {
    const content = aQuestion();
    const job = await asked.leaving(content);
    const again = call(other.url, chat(content));
    await asked.waiting(content, 'waiting');
    await asked.decide(job.id);
    expect((await again.body).choices[0].message.content).toBe(`You said: ${content}`);
    expect((await again.headers).get('x-hitl-job-id')).toBe(job.id);
    expect((await again.headers).get('idempotency-replayed')).toBe('true');
    expect(await asked.jobs(content)).toHaveLength(1);
    expect(await asked.client(job.id)).toBeNull();
  });

  it('get their job also as a stream, and on the Responses door', async () => {
    for (const [path, body] of [
      ['/v1/chat/completions', { ...chat('a stream'), stream: true }],
      ['/v1/responses', { model: 'stub', input: 'a response' }],
    ] as const) {
      const content = 'input' in body ? body.input : 'a stream';
      const first = call(stack.url, body, { path });
      await asked.waiting(content, 'waiting');
      first.leave();
      const job = await asked.waiting(content, 'gone');
      const again = call(other.url, body, { path });
      await asked.waiting(content, 'waiting');
      await asked.decide(job.id);
      expect(await again.text).toContain(`You said: ${content}`);
      expect(await asked.jobs(content)).toHaveLength(1);
    }
  });

  it('get the answer that was approved while they were away, and ask anew once they have it', async () => {
    const content = aQuestion();
    const job = await asked.leaving(content);
    await asked.decide(job.id);
    const again = call(stack.url, chat(content));
    expect((await again.body).choices[0].message.content).toBe(`You said: ${content}`);
    expect((await again.headers).get('x-hitl-job-id')).toBe(job.id);
    const anew = call(stack.url, chat(content));
    await asked.count(content, 2);
    anew.leave();
  });

  it('are told of the rejection that they missed', async () => {
    const content = aQuestion();
    const job = await asked.leaving(content);
    await asked.decide(job.id, { verdict: 'reject', submitter_message: 'Not our tone.' });
    const { error } = await call(stack.url, chat(content)).body;
    expect(error).toMatchObject({ message: 'Not our tone.', job_id: job.id });
    expect(await asked.jobs(content)).toHaveLength(1);
  });

  it('begin anew when the job was cancelled meanwhile', async () => {
    const content = aQuestion();
    const job = await asked.leaving(content);
    await stack.http.post(`/v1/jobs/${job.id}/cancel`);
    const again = call(stack.url, chat(content));
    await asked.count(content, 2);
    again.leave();
  });

  it('get one job each, when two of them were cut off', async () => {
    const content = aQuestion();
    const both = [call(stack.url, chat(content)), call(other.url, chat(content))];
    const jobs = await asked.count(content, 2);
    for (const { id } of jobs) await stack.reaches(id, 'human');
    for (const each of both) each.leave();
    const areAll = (client: string) =>
      until(`both are ${client}`, async () =>
        (await Promise.all(jobs.map(({ id }) => asked.client(id)))).every((one) => one === client),
      );
    await areAll('gone');
    const again = [call(stack.url, chat(content)), call(other.url, chat(content))];
    await areAll('waiting');
    for (const { id } of jobs) await asked.decide(id);
    const ids = await Promise.all(again.map(async ({ headers }) => (await headers).get('x-hitl-job-id')));
    expect(ids.sort()).toEqual(jobs.map(({ id }) => id));
    expect(await asked.jobs(content)).toHaveLength(2);
  });

  it('get the job that a killed gateway held for them', async () => {
    const content = aQuestion();
    const third = await aGateway();
    const first = call(third.url, chat(content));
    const job = await asked.waiting(content, 'waiting');
    await third.kill();
    await expect(first.text).rejects.toThrow();
    // At once, before anybody has missed that gateway.
    const again = call(stack.url, chat(content));
    await until('it is held again', async () => {
      const [row] = await stack.database.query<{ alive: boolean }>(
        `SELECT g.seen_at > now() - interval '2 seconds' AS alive FROM gateways g JOIN held_requests h ON h.gateway_id = g.id
         WHERE h.job_id = $1`,
        [job.id],
      );
      return row?.alive;
    });
    await asked.decide(job.id);
    expect((await again.body).choices[0].message.content).toBe(`You said: ${content}`);
    expect(await asked.jobs(content)).toHaveLength(1);
  });

  it('get the job of a gateway that was told to stop, which sends them on', async () => {
    const content = aQuestion();
    const third = await aGateway();
    const first = call(third.url, chat(content));
    const job = await asked.waiting(content, 'waiting');
    expect(await third.stop()).toBe(0);
    expect(await first.status).toBe(503);
    expect(Object.fromEntries(await first.headers)).toMatchObject({
      'x-should-retry': 'true',
      'retry-after': '10',
      'x-hitl-job-id': job.id,
      connection: 'close',
    });
    const again = call(stack.url, chat(content));
    await asked.waiting(content, 'waiting');
    await asked.decide(job.id);
    expect((await again.body).choices[0].message.content).toBe(`You said: ${content}`);
    expect(await asked.jobs(content)).toHaveLength(1);
  });

  it('get the job that the SDK repeats, also where nobody has seen them go', async () => {
    const content = aQuestion();
    const first = call(stack.url, chat(content));
    const job = await asked.waiting(content, 'waiting');
    const holder = async (): Promise<string | undefined> => {
      const rows = await stack.database.query<{ request_id: string }>(
        'SELECT request_id FROM held_requests WHERE job_id = $1',
        [job.id],
      );
      return rows[0]?.request_id;
    };
    const calls = [first];
    for (const url of [stack.url, other.url]) {
      const before = await holder();
      calls.push(call(url, chat(content), RETRY));
      await until('the retry has taken over', async () => (await holder()) !== before);
    }
    await asked.decide(job.id);
    for (const { body } of calls) {
      expect((await body).choices[0].message.content).toBe(`You said: ${content}`);
    }
    expect(await asked.jobs(content)).toHaveLength(1);
  });

  it('make one job when the SDK repeats before the first request has made any', async () => {
    const content = aQuestion();
    const lock = new pg.Client(stack.database.url);
    await lock.connect();
    await lock.query('BEGIN; LOCK TABLE jobs IN SHARE MODE');
    const calls = [call(stack.url, chat(content))];
    const submitting = (count: number) =>
      until(`${count} submissions are under way`, async () => {
        const rows = await stack.database.query(
          `SELECT 1 FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO jobs (%'`,
        );
        return rows.length === count;
      });
    await submitting(1);
    calls.push(call(stack.url, chat(content), RETRY), call(other.url, chat(content), RETRY));
    await submitting(3);
    await lock.query('COMMIT');
    await lock.end();
    const [job] = await asked.count(content, 1);
    await stack.reaches(job.id, 'human');
    await asked.decide(job.id);
    for (const { body } of calls) {
      expect((await body).choices[0].message.content).toBe(`You said: ${content}`);
    }
    expect(await asked.jobs(content)).toHaveLength(1);
  });

  it.each([
    ['as another caller', {}, { 'x-hitl-actor': 'somebody else' }],
    ['with another body', { temperature: 0.5 }, {}],
    ['under an idempotency key', {}, { 'idempotency-key': 'mine' }],
  ])('make a job of their own %s', async (_how, more, headers: Record<string, string>) => {
    const content = aQuestion();
    await asked.leaving(content);
    const again = call(stack.url, { ...chat(content), ...more }, { headers });
    await asked.count(content, 2);
    again.leave();
  });

  it('do not get the job of somebody with other credentials, and get their own with their own', async () => {
    const content = aQuestion();
    const as = (token: string, more = {}) =>
      call(stack.url, chat(content), { headers: { authorization: `Bearer ${token}`, ...more } });
    const first = as('one');
    const job = await asked.waiting(content, 'waiting');
    first.leave();
    await asked.waiting(content, 'gone');
    const others = [as('other'), as('another', RETRY.headers), call(stack.url, chat(content))];
    await asked.count(content, 4);
    expect(await asked.client(job.id)).toBe('gone');
    const again = as('one');
    await until('its own client is back', async () => (await asked.client(job.id)) === 'waiting');
    await asked.decide(job.id);
    expect((await again.headers).get('x-hitl-job-id')).toBe(job.id);
    expect(await asked.jobs(content)).toHaveLength(4);
    for (const other of others) other.leave();
  });

  it('make a job of their own when they were away for longer than HOLD_JOIN_MS', async () => {
    const content = aQuestion();
    const job = await asked.leaving(content);
    await stack.database.query(
      `UPDATE held_requests SET left_at = left_at - interval '601 seconds' WHERE job_id = $1`,
      [job.id],
    );
    const again = call(stack.url, chat(content));
    await asked.count(content, 2);
    again.leave();
  });

  it('make a job each as long as both are there', async () => {
    const content = aQuestion();
    const both = [call(stack.url, chat(content)), call(other.url, chat(content))];
    for (const { id } of await asked.count(content, 2)) {
      await stack.reaches(id, 'human');
      expect(await asked.client(id)).toBe('waiting');
      await asked.decide(id);
    }
    const ids = await Promise.all(both.map(async ({ headers }) => (await headers).get('x-hitl-job-id')));
    expect(new Set(ids).size).toBe(2);
  });

  it('are seen to wait or to be gone under a key, too, and jobs that hold nobody say nothing', async () => {
    const content = aQuestion();
    const key = { headers: { 'idempotency-key': 'away-and-back' } };
    const first = call(stack.url, chat(content), key);
    const job = await asked.waiting(content, 'waiting');
    first.leave();
    await asked.waiting(content, 'gone');
    const summaries = await stack.http.get(`/v1/review-summaries?ids=${job.id}`);
    expect(summaries.body.data[0].client).toBe('gone');
    const again = call(stack.url, chat(content), key);
    await asked.waiting(content, 'waiting');
    await asked.decide(job.id);
    expect(await again.status).toBe(200);

    const { id } = await stack.submit({ input: 'nobody is held' });
    await stack.reaches(id, 'human');
    expect(await asked.client(id)).toBeNull();
  });
});
