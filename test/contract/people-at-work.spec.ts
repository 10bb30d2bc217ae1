import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { automaticStepOf, DraftStore, JsonText, type PlanRequest } from '@hitl/domain';
import { aClaim, aDecision, aPlan, jobIn, until, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const MINUTE = 60_000;
/** The deadline has passed, by a minute. */
const OVERDUE = `deadline_at = now() - interval '1 minute'`;

describe.each(TEST_STORES)('somebody at work on an answer whose time is over, on $name', ({ name, open }) => {
  let store: TestStore;
  let drafts: DraftStore;
  beforeAll(async () => {
    store = await open();
    drafts = new DraftStore(store.database);
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  const set = (id: string, change: string) => store.rows(`UPDATE jobs SET ${change} WHERE id = $1`, [id]);
  async function overdue(plan: Partial<PlanRequest> = {}, change = OVERDUE): Promise<string> {
    const id = await jobIn(store, 'human');
    await store.desk.plan(aPlan(id, { deadlineMs: MINUTE, onDeadline: 'approve', ...plan }));
    await set(id, change);
    return id;
  }
  const saveDraft = (jobId: string, actor = 'ann') =>
    drafts.save(SCOPE, { jobId, actor, revision: 1, content: new JsonText('"so far"') });

  /** How somebody shows that they are at work, and how that ends. */
  const SIGNS: Record<
    string,
    { begin: (id: string) => Promise<unknown>; end: (id: string) => Promise<unknown> }
  > = {
    'a claim': {
      begin: (jobId) => store.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId }),
      end: (jobId) => store.desk.releaseReview({ ...SCOPE, jobId, actor: 'ann' }),
    },
    'a claim that runs out': {
      begin: (jobId) => store.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId }),
      end: (id) => set(id, `claimed_until = now() - interval '1 second'`),
    },
    'a fresh draft': { begin: saveDraft, end: (id) => drafts.delete(SCOPE, id, 'ann') },
    'a draft that nobody goes on with': {
      begin: saveDraft,
      end: (id) => set(id, `at_work_until = now() - interval '1 second'`),
    },
    'a decision that was undone': {
      begin: async (jobId) => {
        const { id: decisionId } = aDecision(jobId);
        await store.desk.hold(aDecision(jobId, { id: decisionId, actor: 'ann' }), MINUTE);
        await store.desk.undo({ ...SCOPE, jobId, decisionId, actor: 'ann' });
      },
      end: (id) => set(id, `at_work_until = now() - interval '1 second'`),
    },
  };

  /** Approves as the desk does at a deadline, also where the look before it has seen nobody at work. */
  const approveAtDeadline = (id: string) =>
    store.desk.decide(
      aDecision(id, {
        actor: 'policy:a rule',
        revision: 1,
        policy: { rule: 'a rule', hash: 'p1', atDeadline: true },
      }),
    );
  const stepOf = async (id: string) => automaticStepOf((await store.reader.find(SCOPE, id))!)!;

  describe.each(Object.keys(SIGNS))('%s', (sign) => {
    const { begin, end } = SIGNS[sign]!;

    it('holds the approval up until it ends', async () => {
      const id = await overdue();
      expect(await stepOf(id)).toMatchObject({ outcome: 'approve', halted: false });
      await begin(id);
      expect(await store.desk.dueApprovals(10)).toEqual([]);
      expect(await approveAtDeadline(id)).toBeNull();
      const { at, halted, latestAt } = await stepOf(id);
      expect([halted, at.getTime() > Date.now(), latestAt >= at]).toEqual([true, true, true]);
      await end(id);
      expect(await store.desk.dueApprovals(10)).toMatchObject([{ jobId: id }]);
      expect(await approveAtDeadline(id)).toMatchObject({ status: 'success' });
    });

    it('holds the end and the escalation up, and no reminder', async () => {
      const failing = await overdue({ onDeadline: 'fail' });
      const climbing = await overdue(
        { onDeadline: 'fail', remindAfterMs: 0, escalateAfterMs: 0, escalateTo: 'chiefs' },
        `escalate_at = now() - interval '1 minute', deadline_at = now() + interval '1 hour'`,
      );
      for (const id of [failing, climbing]) await begin(id);
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: climbing, type: 'reminded' }]);
      expect(await store.desk.climbLadder(10)).toEqual([]);
      for (const id of [failing, climbing]) await end(id);
      const steps = await store.desk.climbLadder(10);
      expect(new Map(steps.map(({ jobId, type }) => [jobId, type]))).toEqual(
        new Map([
          [failing, 'expired'],
          [climbing, 'escalated'],
        ]),
      );
    });

    it('holds nothing up for longer than the policy allows', async () => {
      const brief = await overdue({ deadlineGraceMs: 59_000 });
      const none = await overdue({ deadlineGraceMs: 0, onDeadline: 'fail' });
      for (const id of [brief, none]) await begin(id);
      expect((await stepOf(brief)).at).toEqual((await stepOf(brief)).latestAt);
      expect(await stepOf(none)).toMatchObject({ outcome: 'fail', halted: false });
      expect(await store.desk.dueApprovals(10)).toMatchObject([{ jobId: brief }]);
      expect(await store.desk.climbLadder(10)).toEqual([{ jobId: none, type: 'expired' }]);
      expect(await approveAtDeadline(brief)).toMatchObject({ status: 'success' });
    });
  });

  it('keeps a policy from deciding by itself on an answer that has no plan yet', async () => {
    const id = await jobIn(store, 'human');
    await store.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId: id });
    const policy = { rule: 'easy', hash: 'p1', atDeadline: false };
    const decision = aDecision(id, { actor: 'policy:easy', revision: 1, policy });
    expect(await store.desk.decide(decision)).toBeNull();
    await store.desk.releaseReview({ ...SCOPE, jobId: id, actor: 'ann' });
    expect(await store.desk.decide(decision)).toMatchObject({ status: 'success' });
  });

  it('is still there when one of several throws their draft away', async () => {
    const id = await overdue();
    await saveDraft(id, 'ben');
    await saveDraft(id, 'ann');
    await drafts.delete(SCOPE, id, 'ann');
    expect(await approveAtDeadline(id)).toBeNull();
    await drafts.delete(SCOPE, id, 'ben');
    expect(await approveAtDeadline(id)).not.toBeNull();
  });

  it('leaves nothing behind on a job that has ended', async () => {
    const id = await overdue();
    await saveDraft(id);
    await store.desk.decide(aDecision(id, { actor: 'ben' }));
    expect(await store.rows('SELECT at_work_until FROM jobs WHERE id = $1', [id])).toEqual([
      { at_work_until: null },
    ]);
    expect(await saveDraft(id)).toBe(false);
  });

  if (name === 'PostgreSQL') {
    it('is seen by a step that meets the draft while it is being saved', async () => {
      const id = await overdue();
      const saving = store.database.createQueryRunner();
      await saving.startTransaction();
      const [{ pid }] = (await saving.query('SELECT pg_backend_pid() AS pid')) as unknown as [
        { pid: number },
      ];
      const inTransaction = new DraftStore({ query: saving.query.bind(saving) } as never);
      expect(
        await inTransaction.save(SCOPE, {
          jobId: id,
          actor: 'ann',
          revision: 1,
          content: new JsonText('"x"'),
        }),
      ).toBe(true);
      const step = approveAtDeadline(id);
      await until('the step waits for the draft', async () => {
        const waiting = await store.rows(
          'SELECT 1 FROM pg_locks WHERE NOT granted AND pg_blocking_pids(pid) @> ARRAY[$1::int]',
          [pid],
        );
        return waiting.length > 0;
      });
      // A look passes over what is being written.
      expect(await store.desk.climbLadder(10)).toEqual([]);
      await saving.commitTransaction();
      await saving.release();
      expect(await step).toBeNull();
    });
  }
});
