import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ask, createTransport, UndoDecision } from '@hitl/messaging';
import { completion, SCOPE, startStack, testAmqpUrl, until, WAYS, type Stack } from '@hitl/testing';
import { readEvents } from './streamed-events';
import { CALLS_SINKS, startWebhookSink, type WebhookSink } from './webhook-sink';

const as = (name: string) => ({ 'x-hitl-actor': name });
/** A word that only the model says. */
const SECRET = 'xylophone-7f3a';

describe.each(WAYS)('a decision that can be undone: $name', ({ way }) => {
  let stack: Stack;
  let webhooks: WebhookSink;

  beforeAll(async () => {
    webhooks = await startWebhookSink();
    stack = await startStack(way, {
      DECISION_UNDO_MS: '2000',
      ...CALLS_SINKS,
    });
    stack.stub.answer = () => ({ body: completion(SECRET) });
  });

  afterAll(async () => {
    await stack.stop();
    webhooks.close();
  });

  async function waiting(more = {}): Promise<string> {
    const { id } = await stack.submit({ input: 'x' }, more);
    await stack.reaches(id, 'human');
    return id;
  }
  const undo = (id: string, name: string) => stack.http.delete(`/v1/reviews/${id}/decision`, as(name));
  const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;
  const history = async (id: string) => (await stack.http.get(`/v1/reviews/${id}/history`)).body;
  const types = async (id: string) => (await history(id)).events.map(({ type }: { type: string }) => type);
  const decide = (id: string, verdict: string, name: string, more = {}) =>
    stack.decide(id, { verdict, ...more }, as(name));

  it('delivers nothing at any door until its time is over, and then once', async () => {
    const id = await waiting({ callback_url: webhooks.url });
    let answered = '';
    const model = 'held';
    const doors = Promise.all(
      [
        stack.http.get(`/v1/jobs/${id}`, { prefer: 'wait=60' }),
        stack.http.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'x' }] }),
      ].map(async (answer) => {
        const { text } = await answer;
        answered += text;
      }),
    );
    const chat = await until('the chat waits', async () => {
      const { data } = (await stack.http.get('/v1/reviews')).body;
      return data.find((job: any) => job.payload.model === model);
    });
    // Time enough to look at every door.
    const held = { undo_ms: 6000 };
    await decide(chat.id, 'approve', 'alice', held);
    const { status, headers, body } = await decide(id, 'approve', 'alice', held);
    expect([status, headers.get('etag'), body.status]).toEqual([200, '"1"', 'human']);
    expect(body.review.held).toEqual({
      decision_id: expect.any(String),
      verdict: 'approve',
      by: 'alice',
      until: expect.any(String),
    });

    const events = await readEvents(`${stack.url}/v1/jobs/${id}/events`, {
      enough: (seen) => seen.at(-1)?.event === 'held',
    });
    const shown = await Promise.all(
      [`/v1/jobs/${id}`, '/v1/jobs', `/v1/jobs/${id}/history`].map((path) => stack.http.get(path)),
    );
    expect(shown[0]!.body).toMatchObject({ status: 'human', response: null });
    expect(JSON.stringify([events, shown.map(({ text }) => text)])).not.toContain(SECRET);
    expect([answered, webhooks.received]).toEqual(['', '']);

    await doors;
    expect(answered.match(new RegExp(SECRET, 'g'))).toHaveLength(2);
    await until('the webhook', () => webhooks.received.includes('job.succeeded'));
    const job = await stack.reaches(id, 'success');
    expect(Date.parse(job.finished_at)).toBeGreaterThanOrEqual(Date.parse(body.review.held.until));
    expect(await types(id)).toEqual(['submitted', 'inferred', 'held', 'decided']);
    expect((await history(id)).decisions).toEqual([
      expect.objectContaining({ id: body.review.held.decision_id, actor: 'alice', final: true }),
    ]);
    expect((await review(id)).review.held).toBeNull();
    expect((await undo(id, 'alice')).body.code).toBe('nothing_to_undo');
    expect((await stack.reaches(id, 'success')).revision).toBe(1);
  });

  it('is taken back by its author alone: the job waits again, and the history tells of both', async () => {
    const id = await waiting();
    const decision = { id: randomUUID(), reason: 'no', undo_ms: 60_000 };
    await decide(id, 'reject', 'alice', decision);
    const refused = await undo(id, 'bob');
    expect([refused.status, refused.body.code]).toEqual([409, 'nothing_to_undo']);
    expect(refused.body.detail).toContain("is alice's");
    expect(refused.body.current.held).toMatchObject({ verdict: 'reject', by: 'alice' });
    expect((await review(id)).review.held.by).toBe('alice');

    const { status, body } = await undo(id, 'alice');
    expect([status, body.status, body.review.held]).toEqual([200, 'human', null]);
    expect(await types(id)).toEqual(['submitted', 'inferred', 'held', 'undone']);
    expect((await history(id)).decisions).toEqual([]);
    // A repetition that comes late makes nothing of it.
    const late = await decide(id, 'reject', 'alice', decision);
    expect([late.status, late.body.code]).toEqual([422, 'idempotency_conflict']);
    const again = await undo(id, 'alice');
    expect([again.status, again.body.code]).toEqual([409, 'nothing_to_undo']);
    expect((await decide(id, 'approve', 'bob')).body.review.held.by).toBe('bob');
    const seen = await readEvents(`${stack.url}/v1/jobs/${id}/events`, {
      enough: (events) => events.some(({ event }) => event === 'undone'),
    });
    expect(seen.find(({ event }) => event === 'undone')!.data).toEqual({
      id: expect.any(String),
      job_id: id,
      type: 'undone',
      status: 'human',
      revision: 1,
      actor: 'alice',
      created_at: expect.any(String),
    });
  });

  it('is first: whoever decides, claims or edits meanwhile gets 409, and repeating it changes nothing', async () => {
    const id = await waiting();
    const decision = { id: '019a9f3e-5c1c-4b8a-9d2e-3f4a5b6c7d8e', verdict: 'approve', undo_ms: 60_000 };
    const first = await stack.decide(id, decision, as('alice'));
    const others = await Promise.all([
      decide(id, 'approve', 'bob'),
      decide(id, 'regenerate', 'alice'),
      stack.http.put(`/v1/reviews/${id}/claim`, undefined, as('bob')),
    ]);
    for (const { status, body } of others) {
      expect([status, body.code]).toEqual([409, 'already_decided']);
      expect(body.detail).toMatch(/^alice was first: 'approve', which takes effect at /);
      expect(body.current).toMatchObject({ status: 'human', held: first.body.review.held, decision: null });
    }
    const edit = { id, status: 'human', response: 'theirs' };
    expect((await stack.http.post('/reviewJob', edit, as('bob'))).status).toBe(404);
    expect((await stack.decide(id, decision, as('alice'))).body).toEqual(first.body);
    const other = await stack.decide(id, { ...decision, verdict: 'reject' }, as('alice'));
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict']);
    expect(await review(id)).toEqual(first.body);
    expect(await types(id)).toEqual(['submitted', 'inferred', 'held']);
    await undo(id, 'alice');
  });

  it('keeps its id to itself on every job, also where both come at the same moment', async () => {
    const held = await waiting();
    const decision = { id: randomUUID(), undo_ms: 60_000 };
    await decide(held, 'approve', 'alice', decision);
    const other = await waiting();
    const later = await decide(other, 'approve', 'alice', decision);
    expect([later.status, later.body.code]).toEqual([422, 'idempotency_conflict']);
    expect(later.body.detail).toContain(`belongs to another decision, on job ${held}`);
    for (let round = 0; round < 8; round += 1) {
      const ids = [await waiting(), await waiting()];
      const once = { id: randomUUID(), undo_ms: 60_000 };
      const answers = await Promise.all(ids.map((id) => decide(id, 'approve', 'alice', once)));
      expect(answers.map(({ status, body }) => [status, body.code]).sort()).toEqual([
        [200, undefined],
        [422, 'idempotency_conflict'],
      ]);
    }
  });

  it('loses to a cancellation, while others take effect', async () => {
    const [cancelled, other] = [await waiting(), await waiting()];
    await decide(cancelled, 'approve', 'alice', { undo_ms: 5000 });
    await decide(other, 'regenerate', 'alice', { feedback: 'shorter', undo_ms: 5000 });
    expect((await stack.http.post(`/v1/jobs/${cancelled}/cancel`)).body.status).toBe('fail');
    // It was decided later, so the cancelled one's time is over, too.
    await until('the other was sent back', async () => (await review(other)).revision === 2);
    const { body, text } = await stack.http.get(`/v1/jobs/${cancelled}`);
    expect(body).toMatchObject({ status: 'fail', failure: { reason: 'cancelled' }, response: null });
    expect(text).not.toContain(SECRET);
    expect(await types(cancelled)).toEqual(['submitted', 'inferred', 'held', 'cancelled']);
    expect(await types(other)).toEqual(['submitted', 'inferred', 'held', 'regenerated', 'inferred']);
  });

  it('is held for as long as it asks for, never shorter than the server’s time', async () => {
    const lengthOf = ({ body }: { body: any }) =>
      Date.parse(body.review.held.until) - Date.parse(body.updated_at);
    const [long, short] = [await waiting(), await waiting()];
    const decision = { id: randomUUID(), undo_ms: 600_000 };
    const first = await decide(long, 'approve', 'alice', decision);
    expect(lengthOf(first)).toBe(600_000);
    expect(lengthOf(await decide(short, 'approve', 'alice', { undo_ms: 1 }))).toBe(2000);
    expect((await decide(long, 'approve', 'alice', decision)).body).toEqual(first.body);
    const other = await decide(long, 'approve', 'alice', { ...decision, undo_ms: 0 });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict']);
    expect((await undo(long, 'alice')).status).toBe(200);
    await stack.reaches(short, 'success');
  });

  it.each([-1, 600_001, 1.5, '5000', true])('is refused with the time %j', async (undo_ms) => {
    const id = await waiting();
    const { status, body } = await decide(id, 'approve', 'alice', { undo_ms });
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', '/undo_ms']);
    expect((await review(id)).review.held).toBeNull();
  });

  it('survives a restart of the desk', async () => {
    const id = await waiting();
    await decide(id, 'edit', 'alice', { response: 'ours' });
    await stack.restart(way === 'services' ? 'review-service' : 'standalone');
    expect(await stack.reaches(id, 'success')).toMatchObject({ response: 'ours', revision: 2 });
    expect((await history(id)).decisions).toHaveLength(1);
  });

  it('can be asked for where the server holds none back', async () => {
    await stack.restart(way === 'services' ? 'review-service' : 'standalone', { DECISION_UNDO_MS: '0' });
    const [asked, plain] = [await waiting(), await waiting()];
    expect((await decide(plain, 'approve', 'alice', { undo_ms: 0 })).body.status).toBe('success');
    expect((await decide(asked, 'approve', 'alice', { undo_ms: 60_000 })).body).toMatchObject({
      status: 'human',
      review: { held: { verdict: 'approve', by: 'alice' } },
    });
    expect((await undo(asked, 'alice')).body).toMatchObject({ status: 'human', review: { held: null } });
    const again = await decide(asked, 'reject', 'alice', { undo_ms: 1 });
    expect(again.body.status).toBe('human');
    await stack.reaches(asked, 'fail');
  });

  if (way !== 'services') return;

  it('is undone once when the reply is lost and the command comes again', async () => {
    const id = await waiting();
    const { body } = await decide(id, 'approve', 'alice', { undo_ms: 60_000 });
    const undoing = {
      ...SCOPE,
      jobId: id,
      decisionId: body.review.held.decision_id,
      actor: 'alice',
      roles: ['reviewer'],
    };
    const { client } = createTransport(testAmqpUrl());
    await client.connect().catch(() => undefined);
    try {
      await until('the broker is there', () => client.ready);
      const send = (more = {}) => ask(client as never, UndoDecision.pattern, { ...undoing, ...more });
      expect(await send()).toEqual({ status: 'human', revision: 1 });
      expect(await send()).toEqual({ status: 'human', revision: 1 });
      await expect(send({ actor: 'bob' })).rejects.toMatchObject({ code: 'nothing_to_undo' });
    } finally {
      await client.close();
    }
    expect(await types(id)).toEqual(['submitted', 'inferred', 'held', 'undone']);
  });

  it('that cannot take effect is told of in the log, and neither other ones nor deadlines wait for it', async () => {
    const [bad, good, late] = [await waiting(), await waiting(), await waiting()];
    await decide(bad, 'edit', 'alice', { response: SECRET, undo_ms: 60_000 });
    await stack.database.query(
      `UPDATE jobs SET held_until = now(), held_decision = jsonb_set(held_decision, '{revision}', '"x"') WHERE id = $1`,
      [bad],
    );
    await stack.database.query(
      `UPDATE jobs SET deadline_at = now(), on_deadline = 'fail', planned_at = now() WHERE id = $1`,
      [late],
    );
    await decide(good, 'approve', 'alice', { undo_ms: 1 });
    await Promise.all([stack.reaches(good, 'success'), stack.reaches(late, 'fail')]);
    const told = await until('the log tells', () =>
      stack.processes.flatMap(({ logs }) => logs).find((line) => line.includes('did not take effect')),
    );
    expect(JSON.parse(told)).toMatchObject({ level: 'error', jobId: bad });
    expect(told).not.toContain(SECRET);
    await stack.http.post(`/v1/jobs/${bad}/cancel`);
  });
});
