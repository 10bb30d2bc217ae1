import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startService, startStack, testAmqpUrl, until, WAYS, type Stack } from '@hitl/testing';
import pg from 'pg';
import { Asked, call, chat } from './held-call';
import { readEvents, type StreamedEvent } from './streamed-events';

describe.each(WAYS)('waiting for a job: $name', ({ way }) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack(way);
  });
  afterAll(() => stack.stop());

  const inHuman = async (): Promise<string> => {
    const { id } = await stack.submit({ input: 'x' });
    await stack.reaches(id, 'human');
    return id;
  };

  it('Prefer: wait answers 200 as soon as the job has ended', async () => {
    const id = await inHuman();
    const answer = stack.http.get(`/v1/jobs/${id}`, { prefer: 'wait=30' });
    await stack.decide(id, { verdict: 'approve' });
    const { status, headers, body } = await answer;
    expect({ status, applied: headers.get('preference-applied') }).toEqual({
      status: 200,
      applied: 'wait=30',
    });
    expect(body.status).toBe('success');
  });

  it('Prefer: wait answers 202 with the job as it is when it has not ended in time', async () => {
    const id = await inHuman();
    const { status, body } = await stack.http.get(`/v1/jobs/${id}`, { prefer: 'wait=1' });
    expect({ status, job: body.status, response: body.response }).toEqual({
      status: 202,
      job: 'human',
      response: null,
    });
  });

  it('Prefer: wait works on submission', async () => {
    const answer = stack.http.post('/v1/jobs', { payload: { input: 'now' } }, { prefer: 'wait=30' });
    const job = await until('the job', async () =>
      (await stack.http.get('/v1/reviews')).body.data.find((one: any) => one.payload.input === 'now'),
    );
    await stack.decide(job.id, { verdict: 'reject' });
    expect(await answer).toMatchObject({ status: 200, body: { id: job.id, status: 'fail' } });
  });

  it('refuses a wait that is no number', async () => {
    const id = await inHuman();
    expect((await stack.http.get(`/v1/jobs/${id}`, { prefer: 'wait=soon' })).status).toBe(400);
    expect((await stack.http.get(`/v1/jobs/${id}`, { prefer: 'respond-async' })).status).toBe(200);
  });

  it('streams the events of a job from its first to its last, and ends', async () => {
    const { id } = await stack.submit({ input: 'x' });
    const events = readEvents(`${stack.url}/v1/jobs/${id}/events`);
    await stack.reaches(id, 'human');
    await stack.decide(id, { verdict: 'approve' });
    expect((await events).map(({ event, data }) => [event, data.status, data.job_id])).toEqual([
      ['submitted', 'bot', id],
      ['inferred', 'human', id],
      ['decided', 'success', id],
    ]);
  });

  it('goes on after Last-Event-ID', async () => {
    const id = await inHuman();
    await stack.decide(id, { verdict: 'approve' });
    const url = `${stack.url}/v1/jobs/${id}/events`;
    const events = await readEvents(url);
    expect(events.map(({ event }) => event)).toEqual(['submitted', 'inferred', 'decided']);
    const rest = await readEvents(url, { lastEventId: events[0]!.id });
    expect(rest.map(({ event }) => event)).toEqual(['inferred', 'decided']);
  });

  it('answers 204 after the last event of a job that has ended: an EventSource comes back no more', async () => {
    const id = await inHuman();
    await stack.decide(id, { verdict: 'approve' });
    const path = `/v1/jobs/${id}/events`;
    const [, inferred, decided] = await readEvents(`${stack.url}${path}`);
    expect((await stack.http.get(path, { 'last-event-id': decided!.id })).status).toBe(204);
    expect((await stack.http.get(path, { 'last-event-id': inferred!.id })).status).toBe(200);
  });

  it('answers HEAD without a stream, and what comes next on the connection', async () => {
    const id = await inHuman();
    for (const path of ['/v1/events', `/v1/jobs/${id}/events`]) {
      const socket = connect(Number(new URL(stack.url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
      socket.write(`HEAD ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      await until('an answer', () => text.includes('\r\n\r\n'));
      expect(text).toMatch(/^HTTP\/1.1 200 [^]*content-type: text\/event-stream/);
      socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await until('a second answer', () => text.split('HTTP/1.1 200').length === 3);
      socket.destroy();
    }
    expect(
      (await stack.http.send('HEAD', '/v1/jobs/00000000-0000-7000-8000-000000000000/events')).status,
    ).toBe(404);
  });

  it('streams the events of all jobs in one order, each exactly once, also over a resumption', async () => {
    const ids = new Set<string>();
    const decided = (events: StreamedEvent[]) =>
      events.filter(({ event, data }) => event === 'decided' && ids.has(data.job_id)).length;
    const first = readEvents(`${stack.url}/v1/events`, { enough: (events) => decided(events) >= 10 });
    // From now on: the stream must be open before anything happens.
    await until('the stream', async () => {
      const { body } = await stack.http.get('/health/ready');
      return body;
    });
    const begin = (
      await readEvents(`${stack.url}/v1/jobs/${await inHuman()}/events`, {
        enough: (events) => events.length === 2,
      })
    )[1]!;
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const id = await inHuman();
        ids.add(id);
        await stack.decide(id, { verdict: 'approve' });
      }),
    );
    const head = await first;
    const rest = await readEvents(`${stack.url}/v1/events`, {
      lastEventId: head.at(-1)!.id,
      enough: (events) => decided(head) + decided(events) >= 30,
    });
    const whole = await readEvents(`${stack.url}/v1/events`, {
      lastEventId: begin.id,
      enough: (events) => decided(events) >= 30,
    });
    const mine = (events: StreamedEvent[]) =>
      events.filter(({ data }) => ids.has(data.job_id)).map(({ id }) => id);
    expect(mine([...head, ...rest])).toEqual(mine(whole));
    expect(new Set(mine(whole)).size).toBe(90);
  });

  it('refuses a Last-Event-ID that is none', async () => {
    const answer = await stack.http.get('/v1/events', { 'last-event-id': '1; DROP' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('refuses to go on after an event that the database does not have', async () => {
    const id = await inHuman();
    for (const path of ['/v1/events', `/v1/jobs/${id}/events`]) {
      for (const lastEventId of ['900000-900000', '1-1', '7-1-1']) {
        const answer = await stack.http.get(path, { 'last-event-id': lastEventId });
        expect(answer).toMatchObject({ status: 410, body: { code: 'event_gone' } });
        expect(answer.body.detail).toContain(lastEventId);
      }
    }
  });

  if (way !== 'services') return;

  describe('a job that the database has lost', () => {
    const lose = (id: string) => stack.database.query('DELETE FROM jobs WHERE id = $1', [id]);

    it('ends a wait for it with 404 at once', async () => {
      const answer = stack.http.post('/v1/jobs', { payload: { input: 'lost' } }, { prefer: 'wait=300' });
      const job = await until('the job', async () =>
        (await stack.http.get('/v1/reviews')).body.data.find((one: any) => one.payload.input === 'lost'),
      );
      await lose(job.id);
      expect(await answer).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
    });

    it('ends a held request so that its client sends it again', async () => {
      const held = call(stack.url, chat('lost and held'));
      const job = await new Asked(stack).waiting('lost and held', 'waiting');
      await lose(job.id);
      expect(await held.status).toBe(404);
      expect((await held.headers).get('x-should-retry')).toBe('true');
      expect(await held.body).toMatchObject({ error: { code: 'job_not_found', job_id: job.id } });
    });

    it('ends the stream of its events', async () => {
      const id = await inHuman();
      let isOpen = false;
      const events = readEvents(`${stack.url}/v1/jobs/${id}/events`, {
        enough: (some) => {
          isOpen ||= some.length === 2;
          return false;
        },
      });
      await until('the stream', () => isOpen);
      await lose(id);
      expect((await events).map(({ event }) => event)).toEqual(['submitted', 'inferred', 'reset']);
    });
  });

  describe('at another gateway, and for long', () => {
    let heartbeats: Promise<PromiseSettledResult<number>[]>;

    // One comes every five seconds, in which the other tests run.
    beforeAll(async () => {
      const { id } = await stack.submit({ input: 'x' });
      const heartbeat = async (path: string, init: RequestInit, sign: string): Promise<number> => {
        const { body } = await fetch(`${stack.url}${path}`, init);
        const since = Date.now();
        let text = '';
        for await (const bytes of body!) {
          text += Buffer.from(bytes as Uint8Array).toString();
          if (text.includes(sign)) return Date.now() - since;
        }
        throw new Error(`the stream ended without '${sign}': ${text}`);
      };
      const chat = JSON.stringify({ model: 'x', stream: true, messages: [{ role: 'user', content: 'x' }] });
      heartbeats = Promise.allSettled([
        heartbeat(`/v1/jobs/${id}/events`, {}, ': still here'),
        heartbeat('/v1/events', {}, ': still here'),
        heartbeat(
          '/v1/chat/completions',
          { method: 'POST', headers: { 'content-type': 'application/json' }, body: chat },
          'data: {"id":"chatcmpl-',
        ),
      ]);
    });

    it('a job submitted at one gateway and held at a second one is decided through either', async () => {
      const second = await startService('gateway', {
        DATABASE_URL: stack.database.url,
        AMQP_URL: testAmqpUrl(),
      });
      try {
        for (const decider of [stack.url, second.url]) {
          const { id } = await stack.submit({ input: 'x' });
          await stack.reaches(id, 'human');
          const held = fetch(`${second.url}/v1/jobs/${id}`, { headers: { prefer: 'wait=30' } });
          await fetch(`${decider}/v1/reviews/${id}/decision`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'if-match': '"1"' },
            body: '{"verdict":"approve"}',
          });
          const answer = await held;
          expect(answer.status).toBe(200);
          expect(await answer.json()).toMatchObject({ id, status: 'success' });
        }
      } finally {
        expect(await second.stop()).toBe(0);
      }
    });

    it('finds by looking what nobody told it of', async () => {
      const { body, headers } = await fetch(`${stack.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'x', stream: true, messages: [{ role: 'user', content: 'x' }] }),
      });
      const id = headers.get('x-hitl-job-id')!;
      // By now it is held: its own first look was long before.
      await stack.reaches(id, 'human');
      // Past every service: no message tells of it.
      await stack.database.query(
        `UPDATE jobs SET status = 'fail', failure_reason = 'cancelled', finished_at = now(), waiting_since = NULL WHERE id = $1`,
        [id],
      );
      let text = '';
      for await (const bytes of body!) text += Buffer.from(bytes as Uint8Array).toString();
      expect(text).toContain('job_cancelled');
    });

    it('keeps streams alive every five seconds while nobody decides', async () => {
      for (const heartbeat of await heartbeats) {
        // What a busy machine adds: clients that give up after ten seconds must live.
        expect(heartbeat).toMatchObject({ status: 'fulfilled' });
        if (heartbeat.status === 'fulfilled') expect(heartbeat.value).toBeLessThan(9000);
      }
    });

    it('lets an EventSource come back when the database was away for a moment', async () => {
      const lock = new pg.Client(stack.database.url);
      await lock.connect();
      await lock.query('BEGIN; LOCK TABLE job_events IN ACCESS EXCLUSIVE MODE');
      try {
        const { status, headers, text } = await stack.http.get('/v1/events', { accept: 'text/event-stream' });
        expect(status).toBe(200);
        expect(headers.get('content-type')).toContain('text/event-stream');
        expect(text).toMatch(/^retry: \d+\n/);
      } finally {
        await lock.end();
      }
    });

    it('closes the sockets of streams when a gateway stops, so that they come back elsewhere', async () => {
      const second = await startService('gateway', {
        DATABASE_URL: stack.database.url,
        AMQP_URL: testAmqpUrl(),
      });
      const socket = connect(Number(new URL(second.url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
      const ended = once(socket, 'end');
      socket.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n');
      await until('the stream is open', () => text.includes(': follows'));
      expect(text).toMatch(/\nretry: \d+\n/);
      expect(await second.stop()).toBe(0);
      await ended;
    });
  });
});
