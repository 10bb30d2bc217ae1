import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { type PlanRequest, type ReviewClaim } from '@hitl/domain';
import {
  aClaim,
  aDecision,
  anEdit,
  aPlan,
  createTestDatabase,
  jobIn,
  NO_POLICY,
  SCOPE,
  settleHeld,
  storesOn,
  until,
  type JobFields,
  type JudgementFields,
  type Stores,
  type TestDatabase,
} from '@hitl/testing';
import type { DataSource } from 'typeorm';

const ROUNDS = 200;
/** Rounds that run at the same time. */
const TOGETHER = 8;

/** Two or more act at the same moment, each from a process of its own: one outcome, and the history explains it. */
describe(`${ROUNDS} times each on PostgreSQL`, () => {
  let database: TestDatabase;
  let sources: DataSource[];
  let stores: Stores[];
  beforeAll(async () => {
    database = await createTestDatabase();
    sources = await Promise.all(
      Array.from({ length: 4 }, () => createDataSource(database.url, TOGETHER).initialize()),
    );
    stores = sources.map(storesOn);
  });
  afterAll(async () => {
    await Promise.all(sources.map((source) => source.destroy()));
    await database.drop();
  });

  /** What a round leaves: the job, its decisions and what its history tells since it was planned. */
  interface Story {
    status: string;
    revision: number;
    approvedBy: string[];
    rejectedBy: string[];
    claimedBy: string | null;
    released: string | null;
    decisions: string[];
    events: string[];
    webhooks: number;
  }
  async function storyOf(id: string): Promise<Story> {
    const [row] = await database.query<Story>(
      `SELECT status, revision, approved_by AS "approvedBy", rejected_by AS "rejectedBy", claimed_by AS "claimedBy",
              (SELECT d.actor FROM decisions d WHERE d.job_id = j.id AND d.released_hash = j.released_hash) AS released,
              ARRAY(SELECT actor || ' ' || verdict FROM decisions WHERE job_id = j.id ORDER BY 1) AS decisions,
              ARRAY(SELECT actor || ' ' || type FROM job_events WHERE job_id = j.id AND type NOT IN ('submitted', 'inferred') ORDER BY id) AS events,
              (SELECT count(*)::int FROM webhook_deliveries WHERE job_id = j.id) AS webhooks
       FROM jobs j WHERE id = $1`,
      [id],
    );
    if (!row) throw new Error(`there is no job ${id}`);
    expect(row.webhooks).toBe(row.status === 'success' || row.status === 'fail' ? 1 : 0);
    expect(row.released !== null).toBe(row.status === 'success');
    return row;
  }

  /** Runs the rounds, answers how often each outcome came. */
  async function race(round: (index: number) => Promise<string>): Promise<Record<string, number>> {
    const outcomes: Record<string, number> = {};
    let begun = 0;
    await Promise.all(
      Array.from({ length: TOGETHER }, async () => {
        while (begun < ROUNDS) {
          const outcome = await round(begun++);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
      }),
    );
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(ROUNDS);
    return outcomes;
  }

  const waiting = (fields: JobFields = {}): Promise<string> =>
    jobIn(stores[3]!, 'human', { callbackUrl: 'http://127.0.0.1/ended', ...fields });
  async function planned(plan: Partial<PlanRequest> = {}): Promise<string> {
    const id = await waiting();
    await stores[3]!.desk.plan(aPlan(id, plan));
    return id;
  }
  const decide = (store: number, jobId: string, actor: string, fields: JudgementFields = {}) =>
    stores[store]!.desk.decide(aDecision(jobId, { actor, revision: 1, ...fields }));
  const backdate = (id: string, change: string) =>
    database.query(`UPDATE jobs SET ${change} WHERE id = $1`, [id]);
  const PAST = `now() - interval '1 second'`;
  /** Which of two won; both or none is a fault. */
  const winner = (first: unknown, second: unknown): 'first' | 'second' => {
    const won = [first, second].map((answer) => answer !== null && answer !== false);
    expect(won.filter(Boolean)).toHaveLength(1);
    return won[0] ? 'first' : 'second';
  };
  /** A group of its own for each round, so that claim-next sees only this round's jobs. */
  const inGroup = (group: string): Pick<ReviewClaim, 'desk'> => ({
    desk: { ...NO_POLICY, requirePlan: true, groups: [group] },
  });

  it('two who claim the next one job: one gets it, the other nothing', async () => {
    await race(async () => {
      const group = randomUUID();
      const id = await planned({ group });
      const [ann, ben] = await Promise.all([
        stores[0]!.desk.claimNextReview(aClaim({ actor: 'ann', ...inGroup(group) })),
        stores[1]!.desk.claimNextReview(aClaim({ actor: 'ben', ...inGroup(group) })),
      ]);
      const won = winner(ann, ben) === 'first' ? 'ann' : 'ben';
      expect([ann, ben]).toContain(id);
      expect(await storyOf(id)).toMatchObject({
        claimedBy: won,
        events: ['policy:a rule planned', `${won} claimed`],
      });
      return won;
    });
  });

  it('many who claim the next of a few: all different, none left while somebody gets nothing', async () => {
    await race(async () => {
      const group = randomUUID();
      const ids = await Promise.all([planned({ group }), planned({ group }), planned({ group })]);
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          stores[index % 4]!.desk.claimNextReview(aClaim({ actor: `r${index}`, ...inGroup(group) })),
        ),
      );
      expect(answers.filter((answer) => answer !== null).sort()).toEqual(ids.sort());
      return 'distinct';
    });
  });

  it('a decision, or a renewal, of whose claim expires against the one who takes the job', async () => {
    const outcomes = await race(async (index) => {
      const id = await planned();
      expect(await stores[0]!.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId: id })).toBe(true);
      await backdate(id, `claimed_until = now() + interval '${index % 3} milliseconds'`);
      const decides = index % 2 === 0;
      const [old, fresh] = await Promise.all([
        decides
          ? decide(0, id, 'ann')
          : stores[0]!.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId: id }),
        stores[1]!.desk.claimReview({ ...aClaim({ actor: 'ben' }), jobId: id }),
      ]);
      const won = winner(old, fresh);
      const story = await storyOf(id);
      const claims = ['policy:a rule planned', 'ann claimed'];
      if (won === 'second') {
        expect(story).toMatchObject({
          status: 'human',
          claimedBy: 'ben',
          events: [...claims, 'ben claimed'],
        });
      } else if (decides) {
        expect(story).toMatchObject({
          status: 'success',
          claimedBy: null,
          events: [...claims, 'ann decided'],
        });
      } else {
        // A claim that had expired already began anew.
        expect(story).toMatchObject({ status: 'human', claimedBy: 'ann' });
        expect(story.events.slice(0, 2)).toEqual(claims);
        expect(['ann claimed', undefined]).toContain(story.events[2]);
      }
      return `${decides ? 'decides' : 'renews'}: ${won}`;
    });
    expect(Object.keys(outcomes).length).toBeGreaterThan(1);
  });

  it('an approval against asking the model again', async () => {
    await race(async () => {
      const id = await planned();
      const [approved, again] = await Promise.all([
        decide(0, id, 'ann'),
        decide(1, id, 'ben', { verdict: 'regenerate' }),
      ]);
      const won = winner(approved, again);
      expect(await storyOf(id)).toMatchObject(
        won === 'first'
          ? { status: 'success', decisions: ['ann approve'], events: [expect.anything(), 'ann decided'] }
          : { status: 'bot', decisions: ['ben regenerate'], events: [expect.anything(), 'ben regenerated'] },
      );
      return won;
    });
  });

  it('a decision against the deadline, on two replicas', async () => {
    await race(async () => {
      const id = await planned({ deadlineMs: 0 });
      const [decided, ...steps] = await Promise.all([
        decide(0, id, 'ann'),
        stores[1]!.desk.climbLadder(TOGETHER),
        stores[2]!.desk.climbLadder(TOGETHER),
      ]);
      // Another round's look may have taken this one's step, and a look passes over what is being decided.
      const story = await storyOf(id);
      if (decided) {
        expect(story).toMatchObject({ status: 'success', events: [expect.anything(), 'ann decided'] });
      } else {
        expect(story).toMatchObject({
          status: 'fail',
          decisions: [],
          events: [expect.anything(), 'desk expired'],
        });
      }
      expect(steps.flat().filter(({ jobId }) => jobId === id).length).toBeLessThanOrEqual(decided ? 0 : 1);
      return story.status;
    });
  });

  it("a person's approval against the policy's at the deadline, on two replicas", async () => {
    await race(async () => {
      const id = await planned({ deadlineMs: 0, onDeadline: 'approve' });
      const policy = { rule: 'a rule', hash: 'p1', atDeadline: true };
      const answers = await Promise.all([
        decide(0, id, 'ann'),
        decide(1, id, 'policy:a rule', { policy }),
        decide(2, id, 'policy:a rule', { policy }),
      ]);
      expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
      const by = answers[0] ? 'ann' : 'policy:a rule';
      expect(await storyOf(id)).toMatchObject({
        status: 'success',
        released: by,
        decisions: [`${by} approve`],
        events: [expect.anything(), `${by} decided`],
      });
      return by;
    });
  });

  it('undoing against taking effect', async () => {
    await race(async (index) => {
      const id = await planned();
      const decision = aDecision(id, { actor: 'ann' });
      await stores[0]!.desk.hold(decision, 60_000);
      await backdate(id, `held_until = now() + interval '${index % 4} milliseconds'`);
      const undoing = stores[0]!.desk.undo({ ...SCOPE, jobId: id, decisionId: decision.id, actor: 'ann' });
      // A look before the time has come settles nothing; the last one comes after it.
      await Promise.all([settleHeld(stores[1]!.desk, TOGETHER), settleHeld(stores[2]!.desk, TOGETHER)]);
      const undone = await undoing;
      await database.query(`SELECT pg_sleep_until(held_until) FROM jobs WHERE id = $1`, [id]);
      for (let held = true; held;) {
        await settleHeld(stores[1]!.desk, TOGETHER);
        held =
          (await database.query('SELECT 1 FROM jobs WHERE id = $1 AND held_until IS NOT NULL', [id])).length >
          0;
      }
      expect(await storyOf(id)).toMatchObject({
        ...(undone ? { status: 'human', decisions: [] } : { status: 'success', decisions: ['ann approve'] }),
        events: [expect.anything(), 'ann held', undone ? 'ann undone' : 'ann decided'],
      });
      return undone ? 'undone' : 'in effect';
    });
  });

  it('one id for two jobs, held on the one and made on the other: once both are through, it is made once', async () => {
    const [one, other] = [await planned(), await planned()];
    const decision = aDecision(one, { actor: 'ann' });
    const lock = sources[3]!.createQueryRunner();
    await lock.startTransaction();
    await lock.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [one]);
    const holding = stores[0]!.desk.hold(decision, 1);
    await until('the statement that holds it waits', async () => {
      const waiting = await database.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return waiting.length > 0;
    });
    expect(await decide(1, other, 'ann', { id: decision.id })).toMatchObject({ status: 'success' });
    await lock.commitTransaction();
    await lock.release();
    const held = await holding;
    expect(held).not.toBeNull();
    await database.query(`SELECT pg_sleep_until($1)`, [held!.until]);
    expect(await settleHeld(stores[2]!.desk, 10)).toMatchObject([
      { jobId: one, status: 'human', undone: true },
    ]);
    expect(await storyOf(one)).toMatchObject({
      status: 'human',
      decisions: [],
      events: [expect.anything(), 'ann held', 'desk undone'],
    });
  });

  it('two approvals of two: both count, one of them releases', async () => {
    await race(async () => {
      const id = await planned({ approvals: 2 });
      const answers = await Promise.all([decide(0, id, 'ann'), decide(1, id, 'ben')]);
      expect(answers.map((answer) => answer?.status).sort()).toEqual(['human', 'success']);
      const [first, last] =
        answers[0]?.status === 'human' ? (['ann', 'ben'] as const) : (['ben', 'ann'] as const);
      expect(await storyOf(id)).toMatchObject({
        approvedBy: [first, last],
        released: last,
        decisions: ['ann approve', 'ben approve'],
        events: [expect.anything(), `${first} voted`, `${last} decided`],
      });
      return first;
    });
  });

  it('the same reviewer twice: one vote, with one id or with two', async () => {
    await race(async (index) => {
      const id = await planned({ approvals: 2 });
      const ids = index % 2 === 0 ? {} : { id: randomUUID() };
      const answers = await Promise.allSettled([decide(0, id, 'ann', ids), decide(1, id, 'ann', ids)]);
      expect(
        answers.map((answer) => (answer.status === 'fulfilled' ? answer.value?.status : answer)),
      ).toEqual(expect.arrayContaining(['human', undefined]));
      expect(await storyOf(id)).toMatchObject({
        status: 'human',
        approvedBy: ['ann'],
        decisions: ['ann approve'],
        events: [expect.anything(), 'ann voted'],
      });
      return 'one vote';
    });
  });

  it('an approval against a rejection of two: they disagree, which escalates once', async () => {
    await race(async () => {
      const id = await planned({ approvals: 2, escalateTo: 'chiefs' });
      const [approved, rejected] = await Promise.all([
        decide(0, id, 'ann'),
        decide(1, id, 'ben', { verdict: 'reject' }),
      ]);
      expect([approved?.status, rejected?.status]).toEqual(['human', 'human']);
      const story = await storyOf(id);
      const last = story.events[2] === 'ann voted' ? 'ann' : 'ben';
      expect(story).toMatchObject({
        approvedBy: ['ann'],
        rejectedBy: ['ben'],
        events: [
          expect.anything(),
          `${last === 'ann' ? 'ben' : 'ann'} voted`,
          `${last} voted`,
          `${last} escalated`,
        ],
      });
      return last;
    });
  });

  it('an edit against an approval of two', async () => {
    await race(async (index) => {
      const id = await planned({ approvals: 2 });
      const withVerdict = index % 2 === 0;
      const [approved, edited] = await Promise.all([
        decide(0, id, 'ann'),
        withVerdict
          ? decide(1, id, 'ben', { verdict: 'edit', response: 'better' })
          : stores[1]!.desk.edit(anEdit(id, { actor: 'ben', revision: 1 })),
      ]);
      // A vote of the old revision does not stop the edit, but does not count for it.
      expect(edited).not.toBeNull();
      const vote = approved ? ['ann voted'] : [];
      expect(await storyOf(id)).toMatchObject({
        status: 'human',
        revision: 2,
        approvedBy: withVerdict ? ['ben'] : [],
        events: [expect.anything(), ...vote, withVerdict ? 'ben voted' : 'ben edited'],
      });
      return approved ? 'vote first' : 'edit first';
    });
  });

  it('a cancellation against a decision, one that is held, and one that takes effect', async () => {
    await race(async (index) => {
      const id = await planned();
      const decision = aDecision(id, { actor: 'ann' });
      const kind = (['decide', 'hold', 'settle'] as const)[index % 3]!;
      if (kind === 'settle') {
        await stores[0]!.desk.hold(decision, 60_000);
        await backdate(id, `held_until = ${PAST}`);
      }
      const acts = {
        decide: () => stores[0]!.desk.decide(decision),
        hold: () => stores[0]!.desk.hold(decision, 60_000),
        settle: () => settleHeld(stores[0]!.desk, ROUNDS),
      };
      const [cancelled] = await Promise.all([stores[1]!.jobs.cancel(SCOPE, id, 'sue'), acts[kind]()]);
      const story = await storyOf(id);
      if (kind === 'hold') expect(cancelled).toBe(true);
      expect(story).toMatchObject(
        cancelled
          ? { status: 'fail', decisions: [], events: expect.arrayContaining(['sue cancelled']) }
          : {
              status: 'success',
              decisions: ['ann approve'],
              events: expect.arrayContaining(['ann decided']),
            },
      );
      const middle = story.events.slice(1, -1);
      expect(middle).toEqual(middle.length > 0 && kind !== 'decide' ? ['ann held'] : []);
      expect(story.events.at(-1)).toBe(cancelled ? 'sue cancelled' : 'ann decided');
      return `${kind}: ${story.status}`;
    });
  });

  it("a plan against the policy's own decision from another replica", async () => {
    await race(async () => {
      const id = await waiting();
      const policy = { rule: 'easy', hash: 'p0', atDeadline: false };
      const [wrote, decided] = await Promise.all([
        stores[0]!.desk.plan(aPlan(id, { approvals: 2 })),
        decide(1, id, 'policy:easy', { policy }),
      ]);
      const won = winner(wrote, decided);
      expect(await storyOf(id)).toMatchObject(
        won === 'first'
          ? { status: 'human', decisions: [], events: ['policy:a rule planned'] }
          : { status: 'success', decisions: ['policy:easy approve'], events: ['policy:easy decided'] },
      );
      return won;
    });
  });

  it('a click that comes with the plan for two: it waits for the plan, or is one vote of two', async () => {
    await race(async () => {
      const id = await waiting();
      const desk = { ...NO_POLICY, requirePlan: true };
      const [wrote, clicked] = await Promise.all([
        stores[0]!.desk.plan(aPlan(id, { approvals: 2 })),
        decide(1, id, 'ann', { desk }),
      ]);
      expect(wrote).toBe(true);
      expect(await storyOf(id)).toMatchObject({
        status: 'human',
        approvedBy: clicked ? ['ann'] : [],
        events: ['policy:a rule planned', ...(clicked ? ['ann voted'] : [])],
      });
      return clicked ? 'a vote' : 'refused';
    });
  });

  it('the same note twice: it is noted once', async () => {
    await race(async () => {
      const id = await planned();
      const note = { ...SCOPE, id: randomUUID(), jobId: id, actor: 'ann', text: 'odd' };
      await Promise.all([stores[0]!.desk.addNote(note), stores[1]!.desk.addNote(note)]);
      expect((await storyOf(id)).events).toEqual([expect.anything(), 'ann noted']);
      return 'once';
    });
  });

  it('many decisions of two people on the same jobs in opposite orders: each is made or refused, none fails', async () => {
    for (let round = 0; round < ROUNDS / 20; round += 1) {
      const ids = await Promise.all(Array.from({ length: 20 }, () => planned({ approvals: 2 })));
      const backwards = [...ids].reverse();
      const [ann, ben] = await Promise.all([
        Promise.all(ids.map((id) => decide(0, id, 'ann'))),
        Promise.all(backwards.map((id) => decide(1, id, 'ben'))),
      ]);
      expect([...ann, ...ben].filter((answer) => answer?.status === 'human')).toHaveLength(20);
      expect([...ann, ...ben].filter((answer) => answer?.status === 'success')).toHaveLength(20);
    }
  });
});
