import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { HistoryReader, verifyChains, type Json, type Lease } from '@hitl/domain';
import {
  aDecision,
  aPlan,
  AN_ANSWER,
  anAnswer,
  anEdit,
  jobIn,
  NO_POLICY,
  type JudgementFields,
  SCOPE,
} from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

describe.each(TEST_STORES)('asking the model again on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(async () => {
    // Whatever happened, the record tells of the job as it is.
    const findings: unknown[] = [];
    await verifyChains(store.database, (finding) => findings.push(finding));
    expect(findings).toEqual([]);
    await store.clear();
  });
  afterAll(() => store.close());

  const job = async (id: string) => (await store.rows('SELECT * FROM jobs WHERE id = $1', [id]))[0];
  const events = (id: string) => store.rows('SELECT * FROM job_events WHERE job_id = $1 ORDER BY seq', [id]);
  const lastEvent = async (id: string) => (await events(id)).at(-1);

  const claim = async (jobId: string) => {
    const lease: Lease = { jobId, token: randomUUID() };
    const claimed = await store.jobs.claim({ ...lease, leaseMs: 60_000, maxAttempts: 5 });
    if (!claimed) return { lease, claimed };
    const turns = claimed.turns.map((turn) => ({ ...turn, response: turn.response?.value ?? null }));
    return { lease, claimed: { ...claimed, payload: claimed.payload.value, turns } };
  };
  const sendBack = (id: string, fields: JudgementFields = {}) =>
    store.desk.decide(aDecision(id, { verdict: 'regenerate', actor: 'ann', feedback: 'shorter', ...fields }));
  const answer = async (id: string, response: Json) =>
    store.jobs.complete(anAnswer((await claim(id)).lease, response));
  const giveUp = async (id: string, detail = 'no') =>
    store.jobs.failAttempt({ ...(await claim(id)).lease, detail, retryInMs: null });
  const restore = async (id: string, revision: number, seen: number, desk = NO_POLICY) => {
    const found = await store.deskReader.revision(id, revision);
    if (!found) return undefined;
    return store.desk.restore({
      ...{ ...SCOPE, jobId: id, actor: 'ben', revision: seen, restore: revision },
      ...{ answer: found, violations: null, desk },
    });
  };

  describe('tells it', () => {
    it('each answer that was sent back with what was said about it', async () => {
      const id = await jobIn(store, 'human');
      await sendBack(id);
      await answer(id, 'second');
      await sendBack(id, { feedback: 'kinder' });
      const { claimed } = await claim(id);
      expect(claimed?.turns).toEqual([
        { feedback: 'shorter', response: AN_ANSWER },
        { feedback: 'kinder', response: 'second' },
      ]);
    });

    it('what a reviewer had made of the answer', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.edit(anEdit(id, { response: 'five' }));
      await sendBack(id);
      expect((await claim(id)).claimed?.turns).toEqual([{ feedback: 'shorter', response: 'five' }]);
    });

    it('nothing of what it could not answer', async () => {
      const id = await jobIn(store, 'human');
      await sendBack(id);
      await giveUp(id);
      await sendBack(id, { feedback: 'kinder' });
      expect((await claim(id)).claimed?.turns).toEqual([{ feedback: 'kinder', response: AN_ANSWER }]);
    });

    it('the words alone where the answers were not kept for it', async () => {
      const id = await jobIn(store, 'human');
      await sendBack(id);
      await store.rows(`UPDATE jobs SET feedback_on = '{}'`);
      expect((await claim(id)).claimed?.turns).toEqual([{ feedback: 'shorter', response: null }]);
    });
  });

  describe('that gives no other answer', () => {
    it('brings the answer back as a new revision, with its payload, and says why', async () => {
      const id = await jobIn(store, 'human', { payload: { input: 'old' } });
      await sendBack(id, { payload: { input: 'new' } });
      expect(await giveUp(id, 'refused: roles must alternate')).toBe(true);
      expect(await job(id)).toMatchObject({
        ...{ status: 'human', response: AN_ANSWER, revision: 2, edited: false, model_response: null },
        ...{
          payload: { input: 'old' },
          original_payload: null,
          feedback: [],
          feedback_on: [],
          fallback: null,
        },
        ...{
          lease_token: null,
          next_kick_at: null,
          failure_reason: null,
          finished_at: null,
          regenerations: 1,
        },
        regeneration_failed: {
          detail: 'refused: roles must alternate',
          by: 'ann',
          feedback: 'shorter',
          at: expect.any(String),
        },
      });
      expect(await lastEvent(id)).toMatchObject({
        ...{ type: 'regeneration_failed', status: 'human', revision: 2, actor: 'worker' },
        data: { detail: 'refused: roles must alternate', restored_revision: 1 },
        replaced: { payload: { input: 'new' } },
      });
      expect(await store.rows('SELECT * FROM webhook_deliveries')).toEqual([]);
    });

    it('brings back what a human had written, and what the model had', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.edit(anEdit(id, { response: 'five' }));
      await sendBack(id);
      await giveUp(id);
      expect(await job(id)).toMatchObject({
        response: 'five',
        model_response: AN_ANSWER,
        edited: true,
        revision: 3,
      });
    });

    it('keeps the plan, and the times that were running', async () => {
      const id = await jobIn(store, 'human');
      const times = { remindAfterMs: 1000, escalateAfterMs: 2000, deadlineMs: 3_600_000 } as const;
      await store.desk.plan(aPlan(id, { ...times, approvals: 2, group: 'legal', escalateTo: 'chiefs' }));
      const before = await job(id);
      await sendBack(id, { desk: { ...NO_POLICY, groups: ['legal'] } });
      await giveUp(id);
      const plan = ({
        waiting_since,
        remind_at,
        escalate_at,
        deadline_at,
        on_deadline,
        planned_at,
        rule,
        ...row
      }: any) => ({
        ...{ waiting_since, remind_at, escalate_at, deadline_at, on_deadline, planned_at, rule },
        ...{ approvals: row.approvals, group: row.review_group, to: row.escalate_to, hash: row.policy_hash },
      });
      expect(plan(await job(id))).toEqual(plan(before));
    });

    it('lets the job expire when its time was over meanwhile', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.plan(aPlan(id, { deadlineMs: 0 }));
      await sendBack(id);
      await giveUp(id);
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: id, type: 'expired' }]);
      expect(await job(id)).toMatchObject({ status: 'fail', failure_reason: 'expired' });
    });

    it('does not let a rule approve what a person has sent back', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.plan(aPlan(id, { deadlineMs: 0, onDeadline: 'approve' }));
      await sendBack(id);
      await giveUp(id);
      expect(await store.desk.dueApprovals(10)).toEqual([]);
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: id, type: 'expired' }]);
    });

    it('refuses decisions on the revision from before, and forgets the votes on it', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.plan(aPlan(id, { approvals: 2 }));
      await store.desk.decide(aDecision(id, { actor: 'cho' }));
      await sendBack(id);
      await giveUp(id);
      expect(await store.desk.decide(aDecision(id, { revision: 1 }))).toBeNull();
      expect(await store.desk.decide(aDecision(id, { actor: 'cho', revision: 2 }))).toMatchObject({
        status: 'human',
      });
      expect(await job(id)).toMatchObject({ approved_by: ['cho'] });
    });

    it('tries again before it comes back', async () => {
      const id = await jobIn(store, 'human');
      await sendBack(id);
      await store.jobs.failAttempt({ ...(await claim(id)).lease, detail: 'busy', retryInMs: 0 });
      expect(await job(id)).toMatchObject({ status: 'bot', response: null });
      await answer(id, 'second');
      expect(await job(id)).toMatchObject({
        status: 'human',
        response: 'second',
        fallback: null,
        regeneration_failed: null,
      });
    });

    it('changes nothing under a token that does not hold the job', async () => {
      const id = await jobIn(store, 'human');
      await sendBack(id);
      await claim(id);
      const before = await store.everything();
      expect(
        await store.jobs.failAttempt({ jobId: id, token: randomUUID(), detail: 'x', retryInMs: null }),
      ).toBe(false);
      expect(await store.everything()).toEqual(before);
    });

    it('ends a job that has never had an answer', async () => {
      const id = await jobIn(store, 'bot');
      await giveUp(id);
      expect(await job(id)).toMatchObject({
        status: 'fail',
        failure_reason: 'inference_failed',
        response: null,
      });
    });

    it('is cancelled like any other', async () => {
      const id = await jobIn(store, 'human');
      await sendBack(id);
      const { lease } = await claim(id);
      expect(await store.jobs.cancel(SCOPE, id, 'ann')).toBe(true);
      expect(await store.jobs.failAttempt({ ...lease, detail: 'late', retryInMs: null })).toBe(false);
      expect(await job(id)).toMatchObject({ status: 'fail', failure_reason: 'cancelled', fallback: null });
    });
  });

  describe('and taking an earlier answer instead', () => {
    /** Revision 1 is the model's, 2 a human's, 3 the model's again, 4 another human's. */
    async function manyRevisions(): Promise<string> {
      const id = await jobIn(store, 'human', { payload: { input: 'old' } });
      await store.desk.edit(anEdit(id, { response: 'edited one' }));
      await sendBack(id, { payload: { input: 'new' } });
      await answer(id, 'model two');
      await store.desk.edit(anEdit(id, { response: 'edited two' }));
      return id;
    }

    it.each([
      [1, AN_ANSWER, null, false, 'old'],
      [2, 'edited one', AN_ANSWER, true, 'old'],
      [3, 'model two', null, false, 'new'],
    ])(
      'makes revision %i the current one, whoever wrote it',
      async (revision, response, model, edited, input) => {
        const id = await manyRevisions();
        expect(await restore(id, revision, 4)).toBe(5);
        expect(await job(id)).toMatchObject({
          ...{ status: 'human', response, model_response: model, edited, payload: { input }, revision: 5 },
          original_payload: input === 'old' ? null : { input: 'old' },
          feedback: revision === 3 ? ['shorter'] : [],
        });
        expect(await lastEvent(id)).toMatchObject({
          ...{
            type: 'restored',
            status: 'human',
            revision: 5,
            actor: 'ben',
            data: { restored_revision: revision },
          },
          replaced: { response: 'edited two' },
        });
      },
    );

    it('goes back and forth without losing any', async () => {
      const id = await manyRevisions();
      expect(await restore(id, 1, 4)).toBe(5);
      expect(await restore(id, 4, 5)).toBe(6);
      expect(await job(id)).toMatchObject({
        response: 'edited two',
        model_response: 'model two',
        edited: true,
      });
      expect(await restore(id, 5, 6)).toBe(7);
      expect(await job(id)).toMatchObject({ response: AN_ANSWER, model_response: null, edited: false });
      const { outputs } = await new HistoryReader(store.database).read((await store.reader.find(SCOPE, id))!);
      expect(outputs.map(({ revision, response }) => [revision, response?.value])).toEqual([
        [1, AN_ANSWER],
        [2, 'edited one'],
        [3, 'model two'],
        [4, 'edited two'],
        [5, AN_ANSWER],
        [6, 'edited two'],
        [7, AN_ANSWER],
      ]);
    });

    it('can be approved, and is what is delivered', async () => {
      const id = await manyRevisions();
      await restore(id, 1, 4);
      expect(await store.desk.decide(aDecision(id, { revision: 5 }))).toMatchObject({
        status: 'success',
        revision: 5,
      });
      expect(await job(id)).toMatchObject({ status: 'success', response: AN_ANSWER });
    });

    it('ends the wait for the model, whose late answer changes nothing', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.plan(aPlan(id, { deadlineMs: 3_600_000 }));
      const before = await job(id);
      await sendBack(id);
      const { lease } = await claim(id);
      expect(await restore(id, 1, 1)).toBe(2);
      expect(await job(id)).toMatchObject({
        ...{
          status: 'human',
          response: AN_ANSWER,
          deadline_at: before.deadline_at,
          lease_token: null,
          fallback: null,
        },
      });
      expect(await store.jobs.complete(anAnswer(lease, 'late'))).toBeNull();
    });

    it('counts as an answer that nobody has judged', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.edit(anEdit(id, { response: 'five' }));
      await store.desk.plan(aPlan(id, { approvals: 2, revision: 2 }));
      await store.desk.decide(aDecision(id, { actor: 'cho' }));
      await restore(id, 1, 2);
      expect(await job(id)).toMatchObject({ approved_by: [] });
    });

    it.each<[string, (id: string) => Promise<unknown>]>([
      ['another revision waits than was seen', (id) => restore(id, 1, 3)],
      [
        'a policy keeps the reviewer out',
        async (id) => {
          await store.rows(`UPDATE jobs SET review_group = 'legal'`);
          return restore(id, 1, 4);
        },
      ],
      [
        'the reviewer has submitted it, under four eyes',
        async (id) => {
          await store.rows(`UPDATE jobs SET four_eyes = true, submitter = 'ben'`);
          return restore(id, 1, 4);
        },
      ],
      [
        'somebody else has claimed it',
        async (id) => {
          await store.desk.claimReview({
            id: randomUUID(),
            ...SCOPE,
            actor: 'cho',
            leaseMs: 60_000,
            desk: NO_POLICY,
            jobId: id,
          });
          return restore(id, 1, 4);
        },
      ],
      [
        'a decision is held',
        async (id) => {
          await store.desk.hold(aDecision(id), 60_000);
          return restore(id, 1, 4);
        },
      ],
      ['the plan is not written', (id) => restore(id, 1, 4, { ...NO_POLICY, requirePlan: true })],
      [
        'the job has ended',
        async (id) => {
          await store.desk.decide(aDecision(id));
          return restore(id, 1, 4);
        },
      ],
    ])('is refused when %s', async (_when, attempt) => {
      const id = await manyRevisions();
      expect(await attempt(id)).toBeNull();
      expect(await events(id)).not.toContainEqual(expect.objectContaining({ type: 'restored' }));
    });

    it('is refused in bot for a job that has never had an answer', async () => {
      const id = await jobIn(store, 'bot');
      expect(await store.deskReader.revision(id, 1)).toBeNull();
    });

    it('knows no revision that never was', async () => {
      const id = await manyRevisions();
      for (const revision of [0, 5, 99]) expect(await store.deskReader.revision(id, revision)).toBeNull();
    });
  });

  describe('for a job that it has failed', () => {
    async function failed(fields = {}): Promise<string> {
      const id = await jobIn(store, 'bot', fields);
      await giveUp(id);
      return id;
    }
    const again = (fields: JudgementFields = {}) => ({ verdict: 'regenerate' as const, ...fields });

    it('is a second life, which says whose wish it was', async () => {
      const id = await failed();
      const decision = aDecision(id, again({ reason: 'it is back' }));
      expect(await store.desk.retry(decision)).toMatchObject({ status: 'bot', bell: { jobId: id } });
      expect(await job(id)).toMatchObject({
        ...{
          status: 'bot',
          failure_reason: null,
          failure_detail: null,
          finished_at: null,
          round_attempts: 0,
        },
      });
      expect(await lastEvent(id)).toMatchObject({
        type: 'retried',
        actor: 'reviewer',
        data: { decision_id: decision.id },
      });
      await answer(id, 'at last');
      expect(await job(id)).toMatchObject({ status: 'human', response: 'at last', revision: 1 });
    });

    it('happens once for one decision, however often it is asked for', async () => {
      const id = await failed();
      const decision = aDecision(id, again());
      await store.desk.retry(decision);
      await giveUp(id);
      expect(await store.desk.retry(decision)).toBeNull();
      expect(await job(id)).toMatchObject({ status: 'fail' });
    });

    it('takes what was said beside the request, since there is no answer that it is about', async () => {
      const id = await failed();
      await store.desk.retry(aDecision(id, again({ feedback: 'briefly', payload: { input: 'new' } })));
      const { claimed } = await claim(id);
      expect(claimed).toMatchObject({
        payload: { input: 'new' },
        turns: [{ feedback: 'briefly', response: null }],
      });
      expect(await job(id)).toMatchObject({ original_payload: { input: 'What is 2 + 2?' } });
    });

    it('is told of at its later end, and the failure no more if it has not got through', async () => {
      const id = await failed({ callbackUrl: 'http://127.0.0.1:1/hook' });
      expect(await store.rows('SELECT type FROM webhook_deliveries')).toEqual([{ type: 'job.failed' }]);
      await store.desk.retry(aDecision(id, again()));
      expect(await store.rows('SELECT type FROM webhook_deliveries')).toEqual([]);
      await answer(id, 'at last');
      await store.desk.decide(aDecision(id));
      expect(await store.rows('SELECT type FROM webhook_deliveries')).toEqual([{ type: 'job.succeeded' }]);
      await store.asOwner('DELETE FROM webhook_deliveries');
    });

    it.each<[string, (id: string) => Promise<unknown>]>([
      ['cancelled', async () => store.jobs.cancel(SCOPE, await jobIn(store, 'bot'), 'ann')],
      ['rejected', () => jobIn(store, 'fail')],
      ['approved', () => jobIn(store, 'success')],
      ['waiting', () => jobIn(store, 'human')],
      ['with the model', () => jobIn(store, 'bot')],
    ])('does nothing for a job that is %s', async (_state, make) => {
      await make('');
      const [{ id }] = (await store.rows('SELECT id FROM jobs')) as [{ id: string }];
      const before = await store.everything();
      expect(await store.desk.retry(aDecision(id, again()))).toBeNull();
      expect(await store.everything()).toEqual(before);
    });
  });
});
