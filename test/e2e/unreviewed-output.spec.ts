import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, WAYS, type Stack } from '@hitl/testing';
import { CALLS_SINKS, startWebhookSink, type WebhookSink } from './webhook-sink';

/** A word that only the model says. */
const SECRET = 'xylophone-7f3a';
const SAM = { 'x-hitl-actor': 'sam' };

/** A client that keeps every byte that it is sent. */
class Recorder {
  bytes = '';

  constructor(url: string, request: { method: string; path: string; headers?: string[]; body?: object }) {
    const { hostname, port, host } = new URL(url);
    const body = request.body ? JSON.stringify(request.body) : '';
    const socket = connect(Number(port), hostname);
    socket.on('data', (data) => (this.bytes += data.toString('latin1')));
    socket.on('error', () => undefined);
    socket.write(
      [
        `${request.method} ${request.path} HTTP/1.1`,
        `host: ${host}`,
        'content-type: application/json',
        `content-length: ${Buffer.byteLength(body)}`,
        ...(request.headers ?? []),
        '',
        body,
      ].join('\r\n'),
    );
    sockets.push(socket);
  }
}
const sockets: { destroy(): void }[] = [];

describe.each(WAYS)('an answer that no human has approved: $name', ({ way }) => {
  let stack: Stack;
  let webhooks: WebhookSink;

  beforeAll(async () => {
    webhooks = await startWebhookSink();
    stack = await startStack(way, CALLS_SINKS);
    stack.stub.answer = () => ({ body: completion(SECRET) });
  });

  afterAll(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await stack.stop();
    webhooks.close();
  });

  describe('at every door that holds its client', () => {
    /** Opens every door, and waits until each one's job waits for a human. */
    async function openDoors() {
      const chat = { model: 'm', messages: [{ role: 'user', content: 'Say it' }] };
      const { id } = await stack.submit({ input: 'Say it' });
      const at = (method: string, path: string, body?: object, ...headers: string[]) =>
        new Recorder(stack.url, { method, path, headers, ...(body && { body }) });
      const doors = {
        job: at('GET', `/v1/jobs/${id}`, undefined, 'prefer: wait=60'),
        submission: at('POST', '/v1/jobs', { payload: 1, callback_url: webhooks.url }, 'prefer: wait=60'),
        jobEvents: at('GET', `/v1/jobs/${id}/events`),
        events: at('GET', '/v1/events'),
        chat: at('POST', '/v1/chat/completions', chat),
        stream: at('POST', '/v1/chat/completions', { ...chat, stream: true }),
        response: at('POST', '/v1/responses', { model: 'm', input: 'Say it' }),
        background: at('POST', '/v1/responses', { model: 'm', input: 'Say it', background: true }),
      };
      const ids = await until('all six jobs wait for a human', async () => {
        const { body } = await stack.http.get('/v1/reviews');
        const waiting = body.data.map((job: { id: string }) => job.id);
        return waiting.length === 6 && waiting;
      });
      // The events say that the answers are there, so whatever would leak has had its chance.
      await until('the streams have told of the answers', () => doors.jobEvents.bytes.includes('inferred'));
      const history = at('GET', `/v1/jobs/${id}/history`);
      await until('the history has told of it', () => history.bytes.includes('"withheld":true'));
      return { doors: { ...doors, history }, ids };
    }

    it('has no part of the answer in it, at any door, and none ever after a rejection', async () => {
      const { doors, ids } = await openDoors();
      expect(JSON.stringify(Object.values(doors)) + webhooks.received).not.toContain(SECRET);
      for (const id of ids) await stack.decide(id, { verdict: 'reject', reason: 'no' });
      await until('every held client was answered', () =>
        [doors.job, doors.submission, doors.chat, doors.response].every(({ bytes }) =>
          bytes.includes('HTTP/1.1'),
        ),
      );
      await until('the stream ended with an error', () => doors.stream.bytes.includes('answer_rejected'));
      await until('the webhook came', () => webhooks.received.includes('job.failed'));
      const everything = JSON.stringify(Object.values(doors)) + webhooks.received;
      expect(everything).not.toContain(SECRET);
    });

    it('has no part of the answer in it, and all of it comes with the approval', async () => {
      webhooks.received = '';
      const { doors, ids } = await openDoors();
      expect(JSON.stringify(Object.values(doors)) + webhooks.received).not.toContain(SECRET);
      for (const id of ids) await stack.decide(id, { verdict: 'approve' });
      for (const door of ['job', 'submission', 'chat', 'stream', 'response'] as const) {
        await until(`the answer at the door ${door}`, () => doors[door].bytes.includes(SECRET));
      }
      await until('the webhook came', () => webhooks.received.includes('job.succeeded'));
      expect(
        webhooks.received + doors.events.bytes + doors.jobEvents.bytes + doors.background.bytes,
      ).not.toContain(SECRET);
    });
  });

  describe('in all that a submitter can read', () => {
    /** Another one, since the answers above were approved. */
    const WORD = 'quetzal-19c2';
    let id: string;

    beforeAll(() => {
      stack.stub.answer = () => ({ body: completion(WORD) });
    });

    beforeEach(async () => {
      ({ id } = await stack.submit('Say it', {}, SAM));
      await stack.reaches(id, 'human');
    });

    /** Every answer of /v1/jobs that can tell of the job, as the bytes that travel. */
    async function submitterSees(): Promise<string> {
      const answers = await Promise.all(
        [
          `/v1/jobs/${id}`,
          `/v1/jobs/${id}/history`,
          '/v1/jobs?limit=200',
          ...['bot', 'human', 'success', 'fail'].map((status) => `/v1/jobs?limit=200&status=${status}`),
        ].map((path) => stack.http.get(path, SAM)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      return answers.map(({ text, headers }) => text + JSON.stringify([...headers])).join('\n');
    }

    it('reaches the reviewer, and not the submitter, while it waits', async () => {
      expect((await stack.http.get('/v1/reviews?limit=200')).text).toContain(WORD);
      expect(await submitterSees()).not.toContain(WORD);
    });

    it('stays hidden after it is rejected', async () => {
      const { status } = await stack.decide(id, { verdict: 'reject', reason: 'wrong' });
      expect(status).toBe(200);
      expect((await stack.http.get(`/v1/jobs/${id}`)).body).toMatchObject({ status: 'fail', response: null });
      expect(await submitterSees()).not.toContain(WORD);
    });

    it('stays hidden after the job is cancelled', async () => {
      const cancelled = await stack.http.post(`/v1/jobs/${id}/cancel`);
      expect(cancelled.body.status).toBe('fail');
      expect(cancelled.text).not.toContain(WORD);
      expect(await submitterSees()).not.toContain(WORD);
    });

    it('stays hidden after an edit replaced it, in full', async () => {
      await stack.decide(id, { verdict: 'edit', response: { answer: 'ours' } });
      const { body } = await stack.http.get(`/v1/jobs/${id}`);
      expect(body).toMatchObject({ status: 'success', response: { answer: 'ours' }, revision: 2 });
      expect(await submitterSees()).not.toContain(WORD);
    });

    it('stays hidden while the model is asked again, and when the second answer waits', async () => {
      await stack.decide(id, { verdict: 'regenerate', feedback: 'shorter' });
      expect(await submitterSees()).not.toContain(WORD);
      expect((await stack.reaches(id, 'human')).revision).toBe(2);
      expect(await submitterSees()).not.toContain(WORD);
    });

    // The last one: from here on the lists tell the word.
    it('is delivered once it is approved', async () => {
      await stack.decide(id, { verdict: 'approve' });
      expect((await stack.http.get(`/v1/jobs/${id}`)).body.response).toEqual(completion(WORD));
      const listed = await stack.http.get('/v1/jobs?limit=200&status=success');
      expect(listed.text).toContain(WORD);
    });
  });
});
