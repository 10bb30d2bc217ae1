import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DraftStore, JsonText, type Judgement, type PlanRequest } from '@hitl/domain';
import {
  aClaim,
  aDecision,
  AN_ANSWER,
  anAnswer,
  anEdit,
  aPlan,
  jobIn,
  NO_POLICY,
  settleHeld,
  type JobFields,
  type JudgementFields,
  SCOPE,
} from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const text = (words: string): JsonText => JsonText.of(words);

const inGroups = (...groups: string[]) => ({ ...NO_POLICY, groups });
const WITH_PLAN_ONLY = { ...NO_POLICY, requirePlan: true };

describe.each(TEST_STORES)('the review desk on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  const job = async (id: string) => (await store.rows('SELECT * FROM jobs WHERE id = $1', [id]))[0];
  const events = (id: string) =>
    store.rows(
      'SELECT type, status, revision, actor, policy_hash, data, replaced FROM job_events WHERE job_id = $1 ORDER BY id',
      [id],
    );
  const types = async (id: string) => (await events(id)).slice(2).map(({ type }) => type);
  const decisions = (id: string) =>
    store.rows('SELECT * FROM decisions WHERE job_id = $1 ORDER BY created_at', [id]);
  const set = (id: string, change: string) => store.rows(`UPDATE jobs SET ${change} WHERE id = $1`, [id]);

  /** A job in `human` with a plan. */
  async function planned(plan: Partial<PlanRequest> = {}, fields: JobFields = {}): Promise<string> {
    const id = await jobIn(store, 'human', fields);
    expect(await store.desk.plan(aPlan(id, plan))).toBe(true);
    return id;
  }
  const decide = (id: string, actor: string, fields: JudgementFields = {}) =>
    store.desk.decide(aDecision(id, { actor, ...fields }));
  /** The model answers a job in `bot`. */
  async function answered(jobId: string, response: string): Promise<void> {
    const token = randomUUID();
    expect(await store.jobs.claim({ jobId, token, leaseMs: 60_000, maxAttempts: 5 })).not.toBeNull();
    expect(await store.jobs.complete(anAnswer({ jobId, token }, response))).not.toBeNull();
  }
  /** Every way in which a person can act on a job; each answers nothing when it is refused. */
  const acts = (
    id: string,
    actor: string,
    desk = NO_POLICY,
  ): Record<string, () => Promise<string | object | number | false | null>> => ({
    approve: () => decide(id, actor, { desk }),
    edit: () => decide(id, actor, { desk, verdict: 'edit', response: 'x' }),
    reject: () => decide(id, actor, { desk, verdict: 'reject' }),
    regenerate: () => decide(id, actor, { desk, verdict: 'regenerate' }),
    hold: () => store.desk.hold(aDecision(id, { actor, desk }), 1000),
    'edit without a verdict': () => store.desk.edit(anEdit(id, { actor, desk })),
    claim: async () => (await store.desk.claimReview({ ...aClaim({ actor, desk }), jobId: id })) && 'claimed',
    'claim the next': () => store.desk.claimNextReview(aClaim({ actor, desk })),
  });
  const ACTS = Object.keys(acts('', ''));
  /** Every act is refused and changes nothing. */
  async function refusesAll(id: string, actor: string, desk = NO_POLICY): Promise<void> {
    const before = await store.everything();
    const answers = [];
    for (const act of Object.values(acts(id, actor, desk))) answers.push((await act()) || null);
    expect(answers).toEqual(ACTS.map(() => null));
    expect(await store.everything()).toEqual(before);
  }

  describe('plans', () => {
    it('are written once for an answer, and say so', async () => {
      const id = await jobIn(store, 'human');
      const wanted = {
        approvals: 2,
        fourEyes: true,
        group: 'legal',
        remindAfterMs: 1000,
        escalateAfterMs: 2000,
        escalateTo: 'chiefs',
        deadlineMs: 3000,
      };
      expect(await store.desk.plan(aPlan(id, wanted))).toBe(true);
      const before = await store.everything();
      expect(await store.desk.plan(aPlan(id, { approvals: 1 }))).toBe(false);
      expect(await store.everything()).toEqual(before);
      const row = await job(id);
      expect(row).toMatchObject({
        planned_at: expect.any(Date),
        rule: 'a rule',
        policy_hash: 'p1',
        approvals: 2,
        four_eyes: true,
        review_group: 'legal',
        escalate_to: 'chiefs',
        on_deadline: 'fail',
        next_step_at: row.remind_at,
      });
      const after = (at: Date) => at.getTime() - row.waiting_since.getTime();
      expect([row.remind_at, row.escalate_at, row.deadline_at].map(after)).toEqual([1000, 2000, 3000]);
      expect((await events(id)).at(-1)).toMatchObject({
        type: 'planned',
        status: 'human',
        actor: 'policy:a rule',
        policy_hash: 'p1',
        data: { rule: 'a rule', approvals: 2, four_eyes: true, group: 'legal', on_deadline: 'fail' },
      });
    });

    it('are refused for a revision that the policy did not look at, and for a job that does not wait', async () => {
      const id = await jobIn(store, 'human');
      expect(await store.desk.plan(aPlan(id, { revision: 2 }))).toBe(false);
      await store.jobs.cancel(SCOPE, id, 'ann');
      expect(await store.desk.plan(aPlan(id))).toBe(false);
      expect(await types(id)).toEqual(['cancelled']);
    });

    it('keep in a decision of their own what the policy would have decided, which decides nothing', async () => {
      const shadow = { decisionId: randomUUID(), verdict: 'approve', rule: 'easy' } as const;
      const id = await planned({ shadow });
      expect(await job(id)).toMatchObject({ status: 'human', approved_by: [] });
      expect(await decisions(id)).toMatchObject([
        {
          id: shadow.decisionId,
          verdict: 'approve',
          actor: 'policy:easy',
          rule: 'easy',
          policy_hash: 'p1',
          shadow: true,
          automatic: true,
          final: false,
          released_revision: null,
        },
      ]);
      expect((await events(id)).at(-1).data).toMatchObject({ shadow_verdict: 'approve' });
    });

    it('must come first where the desk requires them', async () => {
      const id = await jobIn(store, 'human');
      await refusesAll(id, 'ann', WITH_PLAN_ONLY);
      await store.desk.plan(aPlan(id));
      expect(await decide(id, 'ann', { desk: WITH_PLAN_ONLY })).toMatchObject({ status: 'success' });
    });

    it('must come again for the next answer, and nothing of the old one stays', async () => {
      const id = await planned({ approvals: 3, fourEyes: true, group: 'g', escalateTo: 'h', deadlineMs: 9 });
      const desk = { ...inGroups('g'), requirePlan: true };
      await decide(id, 'ann', { desk });
      await decide(id, 'ben', { desk, verdict: 'regenerate' });
      await answered(id, 'second');
      expect(await job(id)).toMatchObject({
        planned_at: null,
        rule: null,
        policy_hash: null,
        approvals: 1,
        four_eyes: false,
        review_group: '',
        approved_by: [],
        escalate_to: null,
        deadline_at: null,
        on_deadline: null,
        regenerations: 1,
      });
      await refusesAll(id, 'ann', desk);
      expect(await store.desk.plan(aPlan(id, { revision: 2 }))).toBe(true);
    });
  });

  describe('a policy that decides', () => {
    const policy = { rule: 'easy', hash: 'p1', atDeadline: false };
    const automatic = (id: string, fields: JudgementFields = {}) =>
      decide(id, 'policy:easy', { policy, revision: 1, ...fields });

    it.each([
      ['approve', 'success'],
      ['reject', 'fail'],
    ] as const)('can %s an answer that has no plan, with its rule and hash', async (verdict, status) => {
      const id = await jobIn(store, 'human');
      expect(await automatic(id, { verdict })).toMatchObject({ status });
      expect(await decisions(id)).toMatchObject([
        { actor: 'policy:easy', automatic: true, final: true, rule: 'easy', policy_hash: 'p1' },
      ]);
      expect(await job(id)).toMatchObject({ rule: 'easy', policy_hash: 'p1', approved_by: [] });
      expect((await events(id)).at(-1)).toMatchObject({ type: 'decided', data: { rule: 'easy' } });
    });

    it('cannot decide once a plan wants people', async () => {
      const id = await planned();
      expect(await automatic(id)).toBeNull();
    });

    it('never decides on an answer that a person has asked for', async () => {
      const id = await jobIn(store, 'human');
      await decide(id, 'ann', { verdict: 'regenerate' });
      await answered(id, 'second');
      expect(await automatic(id, { revision: 2 })).toBeNull();
    });

    it('approves at a deadline that has passed, only where the plan says so in so many words', async () => {
      const atDeadline = { policy: { ...policy, atDeadline: true } };
      const early = await planned({ deadlineMs: 60_000, onDeadline: 'approve' });
      const failing = await planned({ deadlineMs: 0, onDeadline: 'fail' });
      const none = await planned();
      for (const id of [early, failing, none]) expect(await automatic(id, atDeadline)).toBeNull();
      expect(await store.desk.dueApprovals(10)).toEqual([]);
      await set(early, `deadline_at = now() - interval '1 second'`);
      expect(await store.desk.dueApprovals(10)).toEqual([
        { jobId: early, ...SCOPE, revision: 1, rule: 'a rule', policyHash: 'p1' },
      ]);
      expect(await automatic(early, atDeadline)).toMatchObject({ status: 'success' });
      expect(await decisions(early)).toMatchObject([{ at_deadline: true, automatic: true }]);
    });

    it('approves at the deadline of its defaults, too, which have no rule', async () => {
      const id = await planned({ rule: null, deadlineMs: 0, onDeadline: 'approve' });
      const defaults = { rule: 'defaults', hash: 'p1', atDeadline: true };
      expect(await automatic(id, { policy: defaults })).toMatchObject({ status: 'success' });
      expect(await decisions(id)).toMatchObject([{ rule: 'defaults' }]);
    });
  });

  describe('several people who must agree', () => {
    it('release the answer with the last of their approvals', async () => {
      const id = await planned({ approvals: 2 });
      expect(await decide(id, 'ann')).toEqual({ status: 'human', revision: 1, bell: null });
      expect(await job(id)).toMatchObject({ status: 'human', approved_by: ['ann'] });
      expect(await decide(id, 'ben')).toEqual({ status: 'success', revision: 1, bell: null });
      expect(await types(id)).toEqual(['planned', 'voted', 'decided']);
      expect(await decisions(id)).toMatchObject([
        { actor: 'ann', final: false, released_revision: null, approvals: 2 },
        { actor: 'ben', final: true, released_revision: 1, approvals: 2 },
      ]);
    });

    it('end it with the last of their rejections', async () => {
      const id = await planned({ approvals: 2 });
      expect(await decide(id, 'ann', { verdict: 'reject' })).toMatchObject({ status: 'human' });
      expect(await decide(id, 'ben', { verdict: 'reject' })).toMatchObject({ status: 'fail' });
      expect(await job(id)).toMatchObject({ failure_reason: 'rejected', rejected_by: ['ann', 'ben'] });
    });

    it('are different people: nobody votes twice on one revision, nor changes their mind', async () => {
      const id = await planned({ approvals: 2 });
      await decide(id, 'ann');
      expect(await decide(id, 'ann')).toBeNull();
      expect(await decide(id, 'ann', { verdict: 'reject' })).toBeNull();
      expect(await store.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId: id })).toBe(false);
      expect(await types(id)).toEqual(['planned', 'voted']);
    });

    it('judge an edit anew, of which its author is the first to approve', async () => {
      const id = await planned({ approvals: 2 });
      await decide(id, 'ann');
      expect(await decide(id, 'ben', { verdict: 'edit', response: 'better' })).toMatchObject({
        status: 'human',
        revision: 2,
      });
      expect(await job(id)).toMatchObject({ approved_by: ['ben'], rejected_by: [], response: 'better' });
      expect(await decide(id, 'ben')).toBeNull();
      expect(await decide(id, 'ann', { revision: 1 })).toBeNull();
      expect(await decide(id, 'ann', { revision: 2 })).toMatchObject({ status: 'success', revision: 2 });
    });

    it.each([
      ['an approval that changes the input', { verdict: 'approve', payload: 'new' }, ['ben'], []],
      ['a rejection that changes the answer', { verdict: 'reject', response: 'new' }, [], ['ben']],
    ] as const)('judge %s anew', async (_name, change, approvedBy, rejectedBy) => {
      const id = await planned({ approvals: 2 });
      await decide(id, 'ann');
      expect(await decide(id, 'ben', change)).toMatchObject({ status: 'human', revision: 2 });
      expect(await job(id)).toMatchObject({ approved_by: approvedBy, rejected_by: rejectedBy });
      expect(await types(id)).toEqual(['planned', 'voted', 'voted']);
    });

    it('judge anew what was changed without a verdict', async () => {
      const id = await planned({ approvals: 2 });
      await decide(id, 'ann');
      await store.desk.edit(anEdit(id));
      expect(await job(id)).toMatchObject({ approved_by: [], revision: 2 });
      expect(await decide(id, 'ann')).toMatchObject({ status: 'human' });
    });

    it('escalate when they disagree, once, and further people go on voting', async () => {
      const id = await planned({ approvals: 3, escalateTo: 'chiefs', escalateAfterMs: 60_000 });
      const desk = inGroups('chiefs');
      await decide(id, 'ann');
      await decide(id, 'ben', { verdict: 'reject' });
      expect(await job(id)).toMatchObject({
        review_group: 'chiefs',
        escalated_at: expect.any(Date),
        escalate_at: null,
      });
      expect((await events(id)).at(-1)).toMatchObject({
        type: 'escalated',
        actor: 'ben',
        data: { because: 'reviewers disagree', group: 'chiefs' },
      });
      expect(await decide(id, 'cho')).toBeNull();
      await decide(id, 'cho', { desk });
      await decide(id, 'dan', { desk, verdict: 'reject' });
      expect(await decide(id, 'eve', { desk })).toMatchObject({ status: 'success' });
      expect(await types(id)).toEqual([
        'planned',
        'voted',
        'voted',
        'escalated',
        'voted',
        'voted',
        'decided',
      ]);
    });

    it('lose to one of them who asks the model again', async () => {
      const id = await planned({ approvals: 3 });
      await decide(id, 'ann');
      expect(await decide(id, 'ann', { verdict: 'regenerate' })).toMatchObject({ status: 'bot' });
    });
  });

  it('asks the model again only as often as it may', async () => {
    const desk = { ...NO_POLICY, maxRegenerations: 1 };
    const id = await planned();
    expect(await decide(id, 'ann', { verdict: 'regenerate', desk })).toMatchObject({ status: 'bot' });
    await answered(id, 'second');
    expect(await decide(id, 'ann', { verdict: 'regenerate', desk })).toBeNull();
    expect(await decide(id, 'ann', { desk })).toMatchObject({ status: 'success' });
  });

  it("lets the submitter act on no job of their own under 'four_eyes'", async () => {
    const id = await planned({ fourEyes: true }, { actor: 'sue' });
    await refusesAll(id, 'sue');
    expect(await decide(id, 'ann')).toMatchObject({ status: 'success' });
    const own = await planned({}, { actor: 'sue' });
    expect(await decide(own, 'sue')).toMatchObject({ status: 'success' });
  });

  it('lets only members act on the job of a group', async () => {
    const id = await planned({ group: 'legal' });
    await refusesAll(id, 'ann');
    await refusesAll(id, 'ann', inGroups('sales', ''));
    expect(await decide(id, 'ann', { desk: inGroups('sales', 'legal') })).toMatchObject({
      status: 'success',
    });
  });

  describe('claims', () => {
    const next = (actor: string, fields = {}) => store.desk.claimNextReview(aClaim({ actor, ...fields }));
    const expire = (id: string) => set(id, `claimed_until = now() - interval '1 second'`);

    it('go by priority, then by age, and pass over what somebody has', async () => {
      const ids = [];
      for (const priority of [0, 5, 5, 9]) ids.push(await planned({}, { priority }));
      expect([await next('ann'), await next('ben'), await next('ann'), await next('ben')]).toEqual([
        ids[3],
        ids[1],
        ids[2],
        ids[0],
      ]);
      expect(await next('cho')).toBeNull();
      expect(await store.desk.countClaims(SCOPE, 'ann')).toBe(2);
    });

    it("pass over other groups' jobs, own submissions, held ones and those that the reviewer has voted on", async () => {
      await planned({ group: 'legal' }, { priority: 9 });
      const own = await planned({ fourEyes: true }, { priority: 8, actor: 'ann' });
      const voted = await planned({ approvals: 2 }, { priority: 7 });
      await decide(voted, 'ann');
      const held = await planned({}, { priority: 6 });
      await store.desk.hold(aDecision(held, { actor: 'ben' }), 60_000);
      const last = await planned({ group: 'sales' }, { priority: 1 });
      expect(await next('ann', { desk: inGroups('sales') })).toBe(last);
      expect(await next('ann', { desk: inGroups('sales') })).toBeNull();
      expect([await next('cho'), await next('cho')]).toEqual([own, voted]);
    });

    it('mix the groups of a reviewer with what is for everybody, most urgent first', async () => {
      const low = await planned({ group: 'a' }, { priority: 1 });
      const high = await planned({ group: 'b' }, { priority: 9 });
      const middle = await planned({}, { priority: 5 });
      const desk = inGroups('a', 'b');
      expect([await next('ann', { desk }), await next('ann', { desk }), await next('ann', { desk })]).toEqual(
        [high, middle, low],
      );
    });

    it('give the same job again when the command is repeated', async () => {
      const [first] = [await planned(), await planned()];
      const claim = aClaim();
      expect(await store.desk.claimNextReview(claim)).toBe(first);
      const before = await store.everything();
      expect(await store.desk.claimNextReview(claim)).toBe(first);
      expect(await store.everything()).toEqual(before);
    });

    it('keep everybody else from deciding, editing and claiming while they live', async () => {
      const id = await planned();
      await next('ann');
      await refusesAll(id, 'ben');
      expect(await store.desk.releaseReview({ ...SCOPE, jobId: id, actor: 'ben' })).toBe(false);
      expect(await decide(id, 'ann')).toMatchObject({ status: 'success' });
      expect(await job(id)).toMatchObject({ claimed_by: null, claim_id: null });
      expect(await decisions(id)).toMatchObject([{ claimed_at: expect.any(Date) }]);
    });

    it('come back when they expire, and the one who had it may still decide unless somebody took it', async () => {
      const id = await planned({ approvals: 2 });
      await next('ann');
      await expire(id);
      expect(await store.desk.countClaims(SCOPE, 'ann')).toBe(0);
      expect(await decide(id, 'ann')).toMatchObject({ status: 'human' });
      expect(await next('ben')).toBe(id);
      await expire(id);
      expect(await next('cho')).toBe(id);
      expect(await decide(id, 'ben')).toBeNull();
      expect(await types(id)).toEqual(['planned', 'claimed', 'voted', 'claimed', 'claimed']);
    });

    it('are renewed by whoever has them, without another event', async () => {
      const id = await planned();
      const mine = { ...aClaim({ actor: 'ann' }), jobId: id };
      expect(await store.desk.claimReview(mine)).toBe(true);
      const { claimed_at: since } = await job(id);
      await set(id, `claimed_until = now() + interval '1 second'`);
      expect(await store.desk.claimReview({ ...mine, id: randomUUID() })).toBe(true);
      const row = await job(id);
      expect(row.claimed_at).toEqual(since);
      expect(row.claimed_until.getTime() - Date.now()).toBeGreaterThan(30_000);
      expect(await types(id)).toEqual(['planned', 'claimed']);
    });

    it('end when they are released', async () => {
      const id = await planned();
      await next('ann');
      expect(await store.desk.releaseReview({ ...SCOPE, jobId: id, actor: 'ann' })).toBe(true);
      expect(await store.desk.releaseReview({ ...SCOPE, jobId: id, actor: 'ann' })).toBe(false);
      expect(await next('ben')).toBe(id);
      expect(await types(id)).toEqual(['planned', 'claimed', 'released', 'claimed']);
    });

    it('end with a vote, so that the next one can come', async () => {
      const id = await planned({ approvals: 2 });
      await next('ann');
      await decide(id, 'ann');
      expect(await next('ben')).toBe(id);
    });
  });

  describe('a held decision', () => {
    const due = (id: string) => set(id, `held_until = now() - interval '1 second'`);
    async function held(fields: JudgementFields = {}, plan: Partial<PlanRequest> = {}) {
      const id = await planned(plan);
      const decision = aDecision(id, { actor: 'ann', ...fields });
      const answer = await store.desk.hold(decision, 60_000);
      expect(answer).toEqual({ until: (await job(id)).held_until, revision: 1 });
      return { id, decision, undo: { ...SCOPE, jobId: id, decisionId: decision.id, actor: 'ann' } };
    }

    it('changes nothing yet, and keeps everybody from acting', async () => {
      const { id, decision } = await held();
      expect(await job(id)).toMatchObject({ status: 'human', finished_at: null });
      expect(await decisions(id)).toEqual([]);
      await refusesAll(id, 'ann');
      await refusesAll(id, 'ben');
      expect(await store.desk.hold(decision, 1000)).toBeNull();
      expect(await settleHeld(store.desk, 10)).toEqual([]);
      expect(await types(id)).toEqual(['planned', 'held']);
    });

    it.each([
      [{ verdict: 'approve' }, 'success', 1],
      [{ verdict: 'edit', response: 'x' }, 'success', 2],
      [{ verdict: 'reject' }, 'fail', 1],
      [{ verdict: 'regenerate' }, 'bot', 1],
    ] as const)('%o takes effect once it is due, once', async (fields, status, revision) => {
      const { id, decision } = await held(fields);
      await due(id);
      const [settled, ...others] = await settleHeld(store.desk, 10);
      expect(settled).toMatchObject({ jobId: id, status, revision });
      expect(others).toEqual([]);
      expect(await settleHeld(store.desk, 10)).toEqual([]);
      expect(await decisions(id)).toMatchObject([{ id: decision.id, actor: 'ann', final: true }]);
      expect(await job(id)).toMatchObject({ status, held_decision: null, held_until: null });
    });

    it('is one vote where more people must agree', async () => {
      const { id } = await held({}, { approvals: 2 });
      await due(id);
      expect(await settleHeld(store.desk, 10)).toMatchObject([{ jobId: id, status: 'human' }]);
      expect(await decide(id, 'ben')).toMatchObject({ status: 'success' });
    });

    it('is undone by its author only, before it is due', async () => {
      const { id, undo } = await held();
      expect(await store.desk.undo({ ...undo, actor: 'ben' })).toBe(false);
      expect(await store.desk.undo({ ...undo, decisionId: randomUUID() })).toBe(false);
      expect(await store.desk.undo(undo)).toBe(true);
      expect(await store.desk.undo(undo)).toBe(false);
      expect(await types(id)).toEqual(['planned', 'held', 'undone']);
      expect(await decide(id, 'ben')).toMatchObject({ status: 'success' });
      const late = await held();
      await due(late.id);
      expect(await store.desk.undo(late.undo)).toBe(false);
    });

    it('that was undone is not made by a late repetition of its command', async () => {
      const { decision, undo } = await held();
      await store.desk.undo(undo);
      expect(await store.desk.hold(decision, 1000)).toBeNull();
      expect(await store.desk.decide(decision)).toBeNull();
      expect(await store.desk.hold({ ...decision, id: randomUUID() }, 1000)).not.toBeNull();
    });

    it('keeps its id to itself: another job is not decided under it', async () => {
      const { id, decision } = await held();
      const other = await planned();
      expect(await store.desk.hold({ ...decision, jobId: other }, 0)).toBeNull();
      expect(await store.desk.decide({ ...decision, jobId: other })).toBeNull();
      await due(id);
      expect(await settleHeld(store.desk, 10)).toMatchObject([{ jobId: id, status: 'success' }]);
    });

    it.each<[string, (id: string, decision: Judgement) => Promise<unknown>]>([
      [
        'was made on another job meanwhile',
        async (_id, decision) => decide(await planned(), 'ann', { id: decision.id }),
      ],
      [
        'was undone before',
        async (jobId, { id: decisionId }) => {
          await store.desk.hold(aDecision(jobId, { id: decisionId, actor: 'ann' }), 60_000);
          await store.desk.undo({ ...SCOPE, jobId, decisionId, actor: 'ann' });
        },
      ],
    ])('is taken back when it is due and a decision with its id %s', async (_what, spend) => {
      const id = await planned();
      const decision = aDecision(id, { actor: 'ann' });
      await spend(id, decision);
      // As a statement leaves it that could not see the other one yet.
      await store.rows(
        `UPDATE jobs SET held_decision = $2::jsonb, held_until = now() - interval '1 second' WHERE id = $1`,
        [id, JSON.stringify(decision)],
      );
      expect(await settleHeld(store.desk, 10)).toEqual([
        { jobId: id, status: 'human', revision: 1, bell: null, undone: true, verdict: 'approve' },
      ]);
      expect(await job(id)).toMatchObject({ status: 'human', held_decision: null, held_until: null });
      expect(await decisions(id)).toEqual([]);
      expect((await events(id)).at(-1)).toMatchObject({
        type: 'undone',
        actor: 'desk',
        data: { decision_id: decision.id, because: expect.stringContaining('its id belongs to') },
      });
      expect(await settleHeld(store.desk, 10)).toEqual([]);
      expect(await decide(id, 'ben')).toMatchObject({ status: 'success' });
    });

    it('that cannot take effect keeps no other from it', async () => {
      const made = [await held(), await held(), await held()];
      for (const { id } of made) await due(id);
      const bad = made[1]!.id;
      await set(bad, `held_decision = jsonb_set(held_decision, '{revision}', '"x"')`);
      const ids = await store.desk.dueHeld(10);
      expect(new Set(ids)).toEqual(new Set(made.map(({ id }) => id)));
      const settled = await Promise.allSettled(ids.map((id) => store.desk.settle(id)));
      for (const [index, id] of ids.entries()) {
        expect(settled[index]).toMatchObject(
          id === bad ? { status: 'rejected' } : { value: { status: 'success', undone: false } },
        );
      }
      expect((await job(bad)).held_decision).not.toBeNull();
    });

    it('is left alone by deadlines, and by policies', async () => {
      const { id } = await held({}, { deadlineMs: 0, onDeadline: 'approve', remindAfterMs: 0 });
      expect(await store.desk.dueApprovals(10)).toEqual([]);
      expect(await store.desk.climbLadder(10)).toEqual([]);
      const policy = { rule: 'easy', hash: 'p1', atDeadline: true };
      expect(await decide(id, 'policy:easy', { policy })).toBeNull();
      await set(id, `on_deadline = 'fail'`);
      expect(await store.desk.climbLadder(10)).toEqual([]);
    });

    it('is lost to a cancellation, even when it is due', async () => {
      const { id } = await held();
      await due(id);
      expect(await store.jobs.cancel(SCOPE, id, 'sue')).toBe(true);
      expect(await settleHeld(store.desk, 10)).toEqual([]);
      expect(await decisions(id)).toEqual([]);
      expect(await job(id)).toMatchObject({ status: 'fail', failure_reason: 'cancelled' });
    });
  });

  describe('the ladder', () => {
    const past = `now() - interval '1 second'`;
    const future = `now() + interval '1 hour'`;

    it('reminds, escalates and expires, each once', async () => {
      const id = await planned({
        remindAfterMs: 60_000,
        escalateAfterMs: 120_000,
        deadlineMs: 180_000,
        escalateTo: 'chiefs',
      });
      expect(await store.desk.climbLadder(10)).toEqual([]);
      for (const [column, type] of [
        ['remind_at', 'reminded'],
        ['escalate_at', 'escalated'],
        ['deadline_at', 'expired'],
      ]) {
        await set(id, `${column} = ${past}`);
        expect(await store.desk.climbLadder(10)).toEqual([{ jobId: id, type }]);
        expect(await store.desk.climbLadder(10)).toEqual([]);
        if (type === 'escalated') expect(await job(id)).toMatchObject({ review_group: 'chiefs' });
      }
      expect(await types(id)).toEqual(['planned', 'reminded', 'escalated', 'expired']);
      expect(await job(id)).toMatchObject({
        status: 'fail',
        failure_reason: 'expired',
        failure_detail: expect.stringMatching(/^nobody decided by \d{4}-/),
        waiting_since: null,
        next_step_at: null,
      });
    });

    it('takes only the last step that is due after a long time without anybody', async () => {
      const expired = await planned({ remindAfterMs: 0, escalateAfterMs: 0, deadlineMs: 0 });
      const escalated = await planned({ remindAfterMs: 0, escalateAfterMs: 0, deadlineMs: 60_000 });
      const steps = await store.desk.climbLadder(10);
      expect(new Map(steps.map(({ jobId, type }) => [jobId, type]))).toEqual(
        new Map([
          [expired, 'expired'],
          [escalated, 'escalated'],
        ]),
      );
      expect(await store.desk.climbLadder(10)).toEqual([]);
      expect(await types(escalated)).toEqual(['planned', 'escalated']);
    });

    it('takes the longest overdue first, as many as it was asked for', async () => {
      const ids = [await planned({ remindAfterMs: 0 }), await planned({ remindAfterMs: 0 })];
      await set(ids[1]!, `remind_at = now() - interval '1 day'`);
      expect(await store.desk.climbLadder(1)).toEqual([{ jobId: ids[1], type: 'reminded' }]);
      expect(await store.desk.climbLadder(1)).toEqual([{ jobId: ids[0], type: 'reminded' }]);
    });

    it('leaves a job alone that is to be approved at its deadline, but reminds of it before', async () => {
      const id = await planned({ deadlineMs: 0, onDeadline: 'approve' });
      expect(await store.desk.climbLadder(10)).toEqual([]);
      await set(id, `deadline_at = ${future}, remind_at = ${past}`);
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: id, type: 'reminded' }]);
    });

    it('reminds of a job without a deadline, whatever would happen at one', async () => {
      const id = await planned({ remindAfterMs: 0, onDeadline: 'approve' });
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: id, type: 'reminded' }]);
    });

    it('does not escalate once more what a disagreement has escalated', async () => {
      const id = await planned({ approvals: 2, escalateAfterMs: 60_000 });
      await decide(id, 'ann');
      await decide(id, 'ben', { verdict: 'reject' });
      expect(await job(id)).toMatchObject({ escalate_at: null });
      const laddered = await planned({ approvals: 2, escalateAfterMs: 0 });
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: laddered, type: 'escalated' }]);
      await decide(laddered, 'ann');
      await decide(laddered, 'ben', { verdict: 'reject' });
      expect(await types(laddered)).toEqual(['planned', 'escalated', 'voted', 'voted']);
    });
  });

  describe('drafts', () => {
    const ends: [string, (id: string) => Promise<unknown>][] = [
      ['decided', (id) => decide(id, 'ben')],
      ['cancelled', (id) => store.jobs.cancel(SCOPE, id, 'sue')],
      [
        'expired',
        async (id) => {
          await set(
            id,
            `deadline_at = now() - interval '1 second', on_deadline = 'fail', at_work_until = NULL`,
          );
          await store.desk.climbLadder(10);
        },
      ],
      [
        'been cancelled while the model was asked again',
        async (jobId) => {
          await decide(jobId, 'ben', { verdict: 'regenerate' });
          await store.jobs.cancel(SCOPE, jobId, 'sue');
        },
      ],
    ];
    it.each(ends)('are gone when the job has %s', async (_name, end) => {
      const drafts = new DraftStore(store.database);
      const [id, other] = [await planned(), await planned()];
      for (const jobId of [id, other]) {
        expect(await drafts.save(SCOPE, { jobId, actor: 'ann', revision: 1, content: text('begun') })).toBe(
          true,
        );
      }
      await end(id);
      expect((await job(id)).finished_at).not.toBeNull();
      expect(await store.rows('SELECT job_id FROM drafts')).toEqual([{ job_id: other }]);
      expect(await drafts.save(SCOPE, { jobId: id, actor: 'ann', revision: 1, content: text('late') })).toBe(
        false,
      );
    });

    it('that are saved in the moment in which the job ends are read by nobody, and swept', async () => {
      const drafts = new DraftStore(store.database);
      const [ended, other] = [await jobIn(store, 'success'), await planned()];
      // As a statement leaves them that saw the job before it ended.
      await store.rows(
        `INSERT INTO drafts (job_id, actor, revision, content)
         SELECT $1::uuid, actor, 1, '"late"' FROM unnest($2::text[]) actor`,
        [ended, ['ann', 'ben', 'cho']],
      );
      await drafts.save(SCOPE, { jobId: other, actor: 'ann', revision: 1, content: text('begun') });
      expect([await drafts.find(SCOPE, ended, 'ann'), await drafts.savedAt(SCOPE, ended, 'ann')]).toEqual([
        null,
        null,
      ]);
      expect(await drafts.find(SCOPE, other, 'ann')).toMatchObject({ content: text('begun') });
      expect(await drafts.savedAt(SCOPE, other, 'ann')).toEqual(expect.any(Date));
      expect([await drafts.sweep(2), await drafts.sweep(2), await drafts.sweep(2)]).toEqual([2, 1, 0]);
      expect(await store.rows('SELECT job_id FROM drafts')).toEqual([{ job_id: other }]);
    });

    it('are gone for whoever has voted or asked the model again, once that can no longer be undone', async () => {
      const drafts = new DraftStore(store.database);
      const id = await planned({ approvals: 3 });
      for (const actor of ['ann', 'ben', 'cho'])
        await drafts.save(SCOPE, { jobId: id, actor, revision: 1, content: text('begun') });
      const left = async () =>
        (await store.rows('SELECT actor FROM drafts ORDER BY actor')).map(({ actor }) => actor);
      await store.desk.hold(aDecision(id, { actor: 'ann' }), 60_000);
      expect(await left()).toEqual(['ann', 'ben', 'cho']);
      await set(id, 'held_until = now()');
      await settleHeld(store.desk, 10);
      expect(await left()).toEqual(['ben', 'cho']);
      await decide(id, 'ben', { verdict: 'regenerate' });
      expect(await left()).toEqual(['cho']);
    });

    it('of others stay while votes come in and the model is asked again', async () => {
      const drafts = new DraftStore(store.database);
      const id = await planned({ approvals: 2 });
      await drafts.save(SCOPE, { jobId: id, actor: 'ann', revision: 1, content: text('begun') });
      await decide(id, 'ben');
      await decide(id, 'cho', { verdict: 'regenerate' });
      expect(await drafts.find(SCOPE, id, 'ann')).toMatchObject({ content: text('begun') });
    });
  });

  it('notes once under one id, in any status', async () => {
    const id = await jobIn(store, 'success');
    const note = { ...SCOPE, id: randomUUID(), jobId: id, actor: 'ann', text: 'odd' };
    expect([await store.desk.addNote(note), await store.desk.addNote(note)]).toEqual([true, true]);
    expect((await events(id)).filter(({ type }) => type === 'noted')).toMatchObject([
      { actor: 'ann', status: 'success', data: { text: 'odd', note_id: note.id } },
    ]);
    expect(await store.desk.addNote({ ...note, jobId: randomUUID() })).toBe(false);
  });

  it("keeps the model's own answer over edits, until the model is asked again", async () => {
    const id = await planned({ approvals: 2 });
    const kept = async () => {
      const { response, model_response: model, edited, revision } = await job(id);
      return { response, model, edited, revision };
    };
    await store.desk.edit(anEdit(id, { response: 'one' }));
    expect(await kept()).toEqual({ response: 'one', model: AN_ANSWER, edited: true, revision: 2 });
    await decide(id, 'ann', { verdict: 'edit', response: 'two' });
    expect(await kept()).toEqual({ response: 'two', model: AN_ANSWER, edited: true, revision: 3 });
    await decide(id, 'ben', { verdict: 'regenerate' });
    expect(await kept()).toEqual({ response: null, model: null, edited: false, revision: 3 });
    await answered(id, 'second');
    expect(await kept()).toEqual({ response: 'second', model: null, edited: false, revision: 4 });
    await decide(id, 'ann', { verdict: 'edit', response: 'three' });
    expect(await kept()).toEqual({ response: 'three', model: 'second', edited: true, revision: 5 });
    const replaced = (await events(id)).flatMap((event) => (event.replaced ? [event.replaced.response] : []));
    expect(replaced).toEqual([AN_ANSWER, 'one', 'two', 'second']);
  });
});
