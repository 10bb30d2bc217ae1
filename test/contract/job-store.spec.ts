import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { JOB_STATUSES, TRANSITIONS, type JobStatus } from '@hitl/domain';
import {
  aDecision,
  aJob,
  AN_ANSWER,
  claimedJob,
  jobIn,
  anAnswer,
  anEdit,
  NO_POLICY,
  SCOPE,
} from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

describe.each(TEST_STORES)('status changes on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  const job = async (id: string) => (await store.rows('SELECT * FROM jobs WHERE id = $1', [id]))[0];
  const events = (id: string) =>
    store.rows(
      'SELECT type, status, revision, actor, data, replaced FROM job_events WHERE job_id = $1 ORDER BY id',
      [id],
    );
  const bells = () => store.rows('SELECT id, pattern, job_id FROM outbox ORDER BY id');
  const decisions = () => store.rows('SELECT * FROM decisions ORDER BY id');

  it('submits a job into bot with its event and its bell', async () => {
    const submitted = aJob({ payload: { input: 'x' }, metadata: { team: 'a' }, priority: 7, actor: 'ann' });
    const { bell, createdAt } = (await store.jobs.submit(submitted))!;
    expect(await job(submitted.id)).toMatchObject({
      status: 'bot',
      payload: { input: 'x' },
      metadata: { team: 'a' },
      priority: 7,
      response: null,
      revision: 0,
      attempts: 0,
      created_at: createdAt,
    });
    expect(await events(submitted.id)).toEqual([
      { type: 'submitted', status: 'bot', revision: 0, actor: 'ann', data: null, replaced: null },
    ]);
    expect(await bells()).toEqual([{ id: bell.id, pattern: 'inference.requested', job_id: submitted.id }]);
    expect(bell).toMatchObject({ pattern: 'inference.requested', jobId: submitted.id });
  });

  it('completes a held job into human and ends its lease', async () => {
    const lease = await claimedJob(store.jobs);
    const bell = await store.jobs.complete(anAnswer(lease));
    expect(await job(lease.jobId)).toMatchObject({
      status: 'human',
      response: { answer: 4 },
      revision: 1,
      lease_token: null,
      lease_until: null,
      next_kick_at: null,
    });
    expect((await events(lease.jobId)).slice(1)).toEqual([
      {
        type: 'inferred',
        status: 'human',
        revision: 1,
        actor: 'worker',
        data: { provider: 'stub', usage: null, response_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
        replaced: null,
      },
    ]);
    expect(bell).toMatchObject({ pattern: 'review.requested', jobId: lease.jobId });
    expect((await bells()).at(-1)).toEqual({
      id: bell?.id,
      pattern: 'review.requested',
      job_id: lease.jobId,
    });
  });

  it('fails a held job for good with the reason', async () => {
    const lease = await claimedJob(store.jobs);
    const before = await bells();
    expect(await store.jobs.failAttempt({ ...lease, detail: 'no such model', retryInMs: null })).toBe(true);
    expect(await job(lease.jobId)).toMatchObject({
      status: 'fail',
      failure_reason: 'inference_failed',
      failure_detail: 'no such model',
      finished_at: expect.any(Date),
      lease_token: null,
      next_kick_at: null,
    });
    expect((await events(lease.jobId)).at(-1)).toEqual({
      type: 'failed',
      status: 'fail',
      revision: 0,
      actor: 'worker',
      data: { detail: 'no such model' },
      replaced: null,
    });
    expect(await bells()).toEqual(before);
  });

  it('approves the very answer that waited', async () => {
    const id = await jobIn(store, 'human');
    const approval = aDecision(id, { revision: 1, reason: 'right' });
    expect(await store.desk.decide(approval)).toEqual({ status: 'success', revision: 1, bell: null });
    const decided = await job(id);
    expect(decided).toMatchObject({
      status: 'success',
      response: AN_ANSWER,
      revision: 1,
      finished_at: expect.any(Date),
    });
    expect(await decisions()).toMatchObject([
      {
        id: approval.id,
        job_id: id,
        revision: 1,
        verdict: 'approve',
        actor: 'reviewer',
        reason: 'right',
        feedback: null,
        released_revision: 1,
        released_hash: decided.released_hash,
        created_at: expect.any(Date),
      },
    ]);
    expect((await events(id)).at(-1)).toMatchObject({
      type: 'decided',
      status: 'success',
      revision: 1,
      actor: 'reviewer',
      data: {
        decision_id: approval.id,
        verdict: 'approve',
        reason: 'right',
        response_hash: decided.released_hash.toString('hex'),
      },
      replaced: null,
    });
  });

  it("releases an edit as a new revision and keeps the model's answer in the event", async () => {
    const id = await jobIn(store, 'human');
    const edit = aDecision(id, { verdict: 'edit', revision: 1, response: { answer: 'four' } });
    expect(await store.desk.decide(edit)).toEqual({ status: 'success', revision: 2, bell: null });
    expect(await job(id)).toMatchObject({ status: 'success', response: { answer: 'four' }, revision: 2 });
    expect(await decisions()).toMatchObject([{ revision: 1, released_revision: 2, verdict: 'edit' }]);
    expect((await events(id)).at(-1)).toMatchObject({ revision: 2, replaced: { response: AN_ANSWER } });
  });

  it('rejects with what the submitter may read, keeping the answer but releasing nothing', async () => {
    const id = await jobIn(store, 'human');
    const rejection = aDecision(id, {
      verdict: 'reject',
      reason: 'rubbish',
      submitterMessage: 'wrong',
    });
    expect(await store.desk.decide(rejection)).toEqual({ status: 'fail', revision: 1, bell: null });
    expect(await job(id)).toMatchObject({
      status: 'fail',
      failure_reason: 'rejected',
      failure_detail: 'wrong',
      response: AN_ANSWER,
      released_hash: null,
    });
    expect(await decisions()).toMatchObject([
      { verdict: 'reject', reason: 'rubbish', released_revision: null, released_hash: null },
    ]);
  });

  it('asks the model again with feedback and a new payload, and loses neither output nor input', async () => {
    const id = await jobIn(store, 'human', { payload: { input: 'old' } });
    const again = { verdict: 'regenerate', feedback: 'shorter', payload: { input: 'new' } } as const;
    const decided = await store.desk.decide(aDecision(id, again));
    expect(decided).toMatchObject({
      status: 'bot',
      revision: 1,
      bell: { pattern: 'inference.requested', jobId: id },
    });
    expect((await bells()).at(-1)).toMatchObject({ id: decided?.bell?.id, pattern: 'inference.requested' });
    expect(await job(id)).toMatchObject({
      status: 'bot',
      response: null,
      revision: 1,
      payload: { input: 'new' },
      feedback: ['shorter'],
      round_attempts: 0,
      attempts: 1,
      next_kick_at: expect.any(Date),
      finished_at: null,
    });
    expect((await events(id)).at(-1)).toMatchObject({
      type: 'regenerated',
      status: 'bot',
      replaced: { response: AN_ANSWER, payload: { input: 'old' } },
    });
    expect(await decisions()).toMatchObject([{ verdict: 'regenerate', feedback: 'shorter' }]);
  });

  it('rings for a job that nobody takes a minute after the last time, however often it has rung', async () => {
    const id = await jobIn(store, 'bot');
    await store.rows('UPDATE jobs SET kicks = 50, next_kick_at = now() WHERE id = $1', [id]);
    expect(await store.jobs.kickOverdue(10)).toMatchObject([{ pattern: 'inference.requested', jobId: id }]);
    const [next] = await store.rows<{ seconds: number }>(
      'SELECT extract(epoch FROM next_kick_at - now())::float AS seconds FROM jobs WHERE id = $1',
      [id],
    );
    expect(next!.seconds).toBeGreaterThan(0);
    expect(next!.seconds).toBeLessThanOrEqual(60);
  });

  it('numbers the answers on across regenerations and collects the feedback in order', async () => {
    const id = await jobIn(store, 'human');
    for (const feedback of ['shorter', 'kinder']) {
      await store.desk.decide(aDecision(id, { verdict: 'regenerate', feedback }));
      const token = randomUUID();
      await store.jobs.claim({ jobId: id, token, leaseMs: 60_000, maxAttempts: 5 });
      await store.jobs.complete(anAnswer({ jobId: id, token }, { answer: feedback }));
    }
    expect(await job(id)).toMatchObject({ revision: 3, feedback: ['shorter', 'kinder'], attempts: 3 });
    const replaced = (await events(id)).flatMap((event) => (event.replaced ? [event.replaced.response] : []));
    expect(replaced).toEqual([AN_ANSWER, { answer: 'shorter' }]);
  });

  it('keeps an edit without a verdict in human, and what it replaced in the event', async () => {
    const id = await jobIn(store, 'human', { payload: 'old' });
    expect(await store.desk.edit(anEdit(id, { revision: 1, response: 'five', payload: 'new' }))).toBe(2);
    expect(await store.desk.edit(anEdit(id, { response: 'six' }))).toBe(3);
    expect(await job(id)).toMatchObject({ status: 'human', response: 'six', payload: 'new', revision: 3 });
    expect((await events(id)).slice(-2)).toMatchObject([
      { type: 'edited', revision: 2, actor: 'rob', replaced: { response: AN_ANSWER, payload: 'old' } },
      { type: 'edited', revision: 3, actor: 'rob', replaced: { response: 'five' } },
    ]);
  });

  it.each(['bot', 'human'] as const)('cancels a job in %s', async (status) => {
    const id = await jobIn(store, status);
    expect(await store.jobs.cancel(SCOPE, id, 'ann')).toBe(true);
    expect(await job(id)).toMatchObject({
      status: 'fail',
      failure_reason: 'cancelled',
      failure_detail: 'cancelled by ann',
      response: status === 'human' ? AN_ANSWER : null,
    });
    expect((await events(id)).at(-1)).toMatchObject({ type: 'cancelled', status: 'fail', actor: 'ann' });
  });

  it('takes a cancelled job from the worker that holds it', async () => {
    const lease = await claimedJob(store.jobs);
    await store.jobs.cancel(SCOPE, lease.jobId, 'ann');
    const before = await store.everything();
    expect(await store.jobs.complete(anAnswer(lease, 1))).toBeNull();
    expect(await store.jobs.failAttempt({ ...lease, detail: 'late', retryInMs: null })).toBe(false);
    expect(await store.jobs.extendLeases([lease], 60_000)).toEqual([]);
    expect(await store.everything()).toEqual(before);
  });

  type Status = JobStatus | 'sent back' | 'failed by the model';

  /** Every call that could change a status, made as well as a caller could who knows all about the job. */
  const calls = (id: string, token: string): Record<string, () => Promise<unknown>> => ({
    claim: () => store.jobs.claim({ jobId: id, token: randomUUID(), leaseMs: 1, maxAttempts: 5 }),
    extend: () => store.jobs.extendLeases([{ jobId: id, token }], 1000),
    complete: () => store.jobs.complete(anAnswer({ jobId: id, token }, 'late')),
    retry: () => store.jobs.failAttempt({ jobId: id, token, detail: 'x', retryInMs: 10 }),
    fail: () => store.jobs.failAttempt({ jobId: id, token, detail: 'x', retryInMs: null }),
    approve: () => store.desk.decide(aDecision(id)),
    edit: () => store.desk.decide(aDecision(id, { verdict: 'edit', response: 'edited' })),
    reject: () => store.desk.decide(aDecision(id, { verdict: 'reject' })),
    regenerate: () => store.desk.decide(aDecision(id, { verdict: 'regenerate' })),
    'try again': () => store.desk.retry(aDecision(id, { verdict: 'regenerate' })),
    change: () => store.desk.edit(anEdit(id)),
    restore: () =>
      store.desk.restore({
        ...SCOPE,
        jobId: id,
        actor: 'ann',
        revision: 1,
        restore: 1,
        answer: { response: '{"answer":4}', payload: '"x"', modelResponse: null, edited: false },
        violations: null,
        desk: NO_POLICY,
      }),
    cancel: () => store.jobs.cancel(SCOPE, id, 'ann'),
    deadline: async () => {
      await store.rows(
        `UPDATE jobs SET deadline_at = now(), on_deadline = 'fail' WHERE id = $1 AND status = 'human'`,
        [id],
      );
      return store.desk.climbLadder(10);
    },
    kick: () => store.jobs.kickOverdue(10),
  });

  /** A job in a status, and the token of the worker that held it last: also one that the model has failed, or was sent back to. */
  async function heldIn(status: Status): Promise<{ id: string; token: string }> {
    const { jobId: id, token } = await claimedJob(store.jobs);
    if (status === 'failed by the model') {
      await store.jobs.failAttempt({ jobId: id, token, detail: 'x', retryInMs: null });
      return { id, token };
    }
    if (status === 'sent back') {
      await store.jobs.complete(anAnswer({ jobId: id, token }));
      await store.desk.decide(aDecision(id, { verdict: 'regenerate' }));
      await store.jobs.claim({ jobId: id, token, leaseMs: 60_000, maxAttempts: 5 });
      return { id, token };
    }
    if (status !== 'bot') await store.jobs.complete(anAnswer({ jobId: id, token }));
    if (status === 'success') await store.desk.decide(aDecision(id));
    if (status === 'fail') await store.jobs.cancel(SCOPE, id, 'ann');
    return { id, token };
  }

  it('makes exactly the status changes of the table, whatever is called in whatever status', async () => {
    const seen = new Set<string>();
    for (const start of [...JOB_STATUSES, 'sent back', 'failed by the model'] as const) {
      for (const name of Object.keys(calls('', ''))) {
        const { id, token } = await heldIn(start);
        const { status: from } = await job(id);
        await calls(id, token)[name]?.();
        const [{ status: to }, event] = [await job(id), (await events(id)).at(-1)];
        if (to !== from) seen.add(`${from} → ${to}: ${event.type}`);
      }
    }
    const table = Object.entries(TRANSITIONS).flatMap(([from, targets]) =>
      Object.entries(targets).flatMap(([to, types]: [string, readonly string[]]) =>
        types.map((type) => `${from} → ${to}: ${type}`),
      ),
    );
    expect([...seen].sort()).toEqual(table.sort());
  });

  it.each(['success', 'fail'] as const)(
    'changes nothing about a job in %s, whatever is called',
    async (status) => {
      const { id, token } = await heldIn(status);
      const before = await store.everything();
      const answers = [];
      for (const call of Object.values(calls(id, token))) answers.push(await call());
      expect(answers.flat().filter((answer) => answer !== null && answer !== false)).toEqual([]);
      expect(await store.everything()).toEqual(before);
    },
  );
});
