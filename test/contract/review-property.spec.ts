import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { VERDICTS, type DeskRules, type Obstacle } from '@hitl/domain';
import {
  aClaim,
  aDecision,
  aJob,
  anAnswer,
  anEdit,
  aPlan,
  createTestDatabase,
  SCOPE,
  settleHeld,
  storesOn,
  until,
  type Stores,
  type TestDatabase,
} from '@hitl/testing';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import {
  answered,
  edited,
  GROUPS,
  isFinal,
  Model,
  modelJob,
  MAX_REGENERATIONS,
  SUBMITTER,
  type Command,
  type ModelJob,
  type Plan,
} from './review-model';

const SEED = Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Random runs, each of up to 40 commands; PROPERTY_SHRINK=true looks for the shortest one that fails. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 120);
const MINUTE = 60_000;
process.on('exit', () => 0);

/** What a step is about; the ids and revisions follow from the state in which it is taken. */
interface Step {
  /** `work` is what a worker does next, `take back` undoes what is held, or releases what is claimed. */
  do:
    | 'work'
    | 'take back'
    | 'again'
    | Exclude<Command['do'], 'take' | 'complete' | 'retry' | 'give up' | 'undo' | 'release'>;
  how: 'once' | 'twice' | 'crash' | 'with the next';
  job: number;
  actor: string;
  verdict: (typeof VERDICTS)[number];
  /** Whether it comes too late, or makes no sense. */
  stale: boolean;
  plan: Plan;
  minutes: number;
}

const minutes = fc.option(fc.integer({ min: 0, max: 6 }), { freq: 2 });
const aPolicysPlan: fc.Arbitrary<Plan> = fc.record({
  approvals: fc.integer({ min: 1, max: 3 }),
  fourEyes: fc.boolean(),
  group: fc.constantFrom(null, null, 'legal', 'chiefs'),
  escalateTo: fc.option(fc.constant('chiefs')),
  remind: minutes,
  escalate: minutes,
  deadline: minutes,
  onDeadline: fc.constantFrom('fail', 'approve'),
  grace: fc.constantFrom(0, 1, 5),
});
/** How far a job has come before the steps. */
const aStart = fc.record({
  priority: fc.nat(2),
  begun: fc.constantFrom('submitted', 'answered', 'planned', 'planned', 'planned'),
  plan: aPolicysPlan,
});
type Start = typeof aStart extends fc.Arbitrary<infer T> ? T : never;

const aStep: fc.Arbitrary<Step> = fc.record({
  do: fc.oneof(
    { weight: 8, arbitrary: fc.constant('decide' as const) },
    { weight: 4, arbitrary: fc.constantFrom('work', 'hold', 'take back') },
    { weight: 6, arbitrary: fc.constantFrom('plan', 'edit', 'claim', 'claimNext', 'climb', 'pass') },
    {
      weight: 4,
      arbitrary: fc.constantFrom('settle', 'approve due', 'again', 'automatic', 'cancel', 'kick'),
    },
  ),
  how: fc.oneof(
    { weight: 6, arbitrary: fc.constant('once' as const) },
    { weight: 3, arbitrary: fc.constant('with the next' as const) },
    { weight: 1, arbitrary: fc.constantFrom('twice', 'crash') },
  ),
  job: fc.nat(2),
  actor: fc.constantFrom('ann', 'ben', 'cho', SUBMITTER),
  verdict: fc.oneof(
    { weight: 3, arbitrary: fc.constant('approve' as const) },
    { weight: 1, arbitrary: fc.constant('regenerate' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...VERDICTS) },
  ),
  stale: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  plan: aPolicysPlan,
  minutes: fc.integer({ min: 1, max: 4 }),
});

/** Commands on one job that may come at the same moment; claim-next and the looks pass over what others hold. */
const TOGETHER = new Set<Command['do']>([
  ...(['plan', 'decide', 'hold', 'automatic', 'undo', 'edit', 'claim', 'release', 'cancel'] as const),
  ...(['take', 'complete', 'retry', 'give up'] as const),
]);

describe('the review desk', () => {
  let database: TestDatabase;
  let sources: DataSource[];
  let stores: Stores[];
  /** Its connection is the one that a crash ends. */
  let mortal: DataSource;
  beforeAll(async () => {
    database = await createTestDatabase();
    sources = await Promise.all([3, 3, 1].map((size) => createDataSource(database.url, size).initialize()));
    stores = sources.map(storesOn);
    mortal = sources[2]!;
  });
  afterAll(async () => {
    await Promise.all(sources.map((source) => source.destroy()));
    await database.drop();
  });

  it(`follows its rules, whoever does what in whatever order (PROPERTY_SEED=${SEED})`, async () => {
    const seen = new Set<string>();
    const runs = fc.asyncProperty(
      fc.boolean(),
      fc.array(aStart, { minLength: 1, maxLength: 3 }),
      fc.array(aStep, { minLength: 5, maxLength: 40, size: 'max' }),
      async (hasPolicy, starts, steps) => {
        const run = new Run(hasPolicy, await submitted(starts), seen);
        await run.begin(starts);
        await run.take(steps);
        await run.bringHome();
        await run.checkReleases();
      },
    );
    await fc.assert(runs, {
      seed: SEED,
      numRuns: RUNS,
      endOnFailure: process.env.PROPERTY_SHRINK !== 'true',
    });
    // The runs have been everywhere, else they show nothing.
    expect(EVENTS.filter((type) => !seen.has(type))).toEqual([]);
  }, 240_000);

  const EVENTS = [
    ...[
      'attempt_failed',
      'cancelled',
      'claimed',
      'decided',
      'edited',
      'escalated',
      'expired',
      'failed',
      'held',
    ],
    ...[
      'inferred',
      'planned',
      'regenerated',
      'regeneration_failed',
      'released',
      'reminded',
      'submitted',
      'undone',
      'voted',
    ],
  ];

  async function submitted(starts: Start[]): Promise<ModelJob[]> {
    const jobs: ModelJob[] = [];
    for (const { priority } of starts) {
      const job = aJob({ priority, actor: SUBMITTER, callbackUrl: 'http://127.0.0.1/ended' });
      await stores[0]!.jobs.submit(job);
      jobs.push(modelJob(job.id, priority));
    }
    return jobs;
  }

  /** One run: the desk and its model, which must never differ. */
  class Run {
    private model: Model;
    private sent: Command[] = [];
    constructor(
      private readonly hasPolicy: boolean,
      jobs: ModelJob[],
      private readonly seen: Set<string>,
    ) {
      this.model = new Model(jobs, hasPolicy);
    }

    async begin(starts: Start[]): Promise<void> {
      for (const [index, { begun, plan }] of starts.entries()) {
        const { id: job } = this.model.jobs[index]!;
        const id = randomUUID();
        if (begun === 'submitted') continue;
        await this.once({ do: 'take', job, id });
        await this.once({ do: 'complete', job, id });
        if (begun === 'planned') await this.once({ do: 'plan', job, revision: 1, plan });
      }
    }

    async take(steps: Step[]): Promise<void> {
      for (let index = 0; index < steps.length; index += 1) {
        const step = steps[index]!;
        const command = this.commandOf(step);
        const next = steps[index + 1];
        const other =
          step.how === 'with the next' && next
            ? this.commandOf({ ...next, job: step.job, stale: step.stale })
            : null;
        if (other && TOGETHER.has(command.do) && TOGETHER.has(other.do)) {
          await this.together(command, other);
          index += 1;
        } else if (step.how === 'crash' && command.do !== 'pass') {
          await this.crash(command);
        } else {
          await this.once(command);
          // As when the reply is lost and the caller asks again.
          if (step.how === 'twice' && command.do !== 'pass') await this.once(command);
        }
      }
    }

    /** Lets time pass and eligible people act until every job has ended. */
    async bringHome(): Promise<void> {
      for (let round = 0; this.open().length > 0; round += 1) {
        if (round === 5) throw new Error(`stuck: ${JSON.stringify(this.open(), null, 2)}`);
        await this.once({ do: 'pass', minutes: 31 });
        const waiting = this.open().filter(({ status }) => status === 'bot');
        const rung = await this.once({ do: 'kick' });
        expect(Object.keys(rung as object).sort()).toEqual(waiting.map(({ id }) => id).sort());
        for (const look of ['settle', 'approve due', 'climb'] as const) await this.once({ do: look });
        for (const { id } of this.open()) {
          const job = (): ModelJob => this.model.jobs.find((one) => one.id === id)!;
          const token = randomUUID();
          if (job().status === 'bot') {
            await this.once({ do: 'take', job: id, id: token });
            await this.once({ do: 'complete', job: id, id: token });
          }
          const plan = { ...NO_PLAN, approvals: 2 };
          if (job().plan === null && this.hasPolicy) {
            await this.once({ do: 'plan', job: id, revision: job().revision, plan });
          }
          for (const actor of ['dan', 'eve', 'fay']) {
            if (!isFinal(job())) await this.once(decision(id, actor, 'approve', job().revision));
          }
        }
      }
    }

    private open(): ModelJob[] {
      return this.model.jobs.filter((job) => !isFinal(job));
    }

    private commandOf(step: Step): Command {
      const open = this.open();
      const candidates = open.length > 0 && !step.stale ? open : this.model.jobs;
      const job = candidates[step.job % candidates.length]!;
      const { actor, verdict } = step;
      const at = { job: job.id, id: randomUUID() };
      const revision = job.revision - (step.stale ? 1 : 0);
      const what = likely(step, job);
      switch (what) {
        case 'again':
          return this.sent.at(-1 - (step.minutes + step.job)) ?? { do: 'kick' };
        case 'work': {
          if (!job.lease?.token) return { do: 'take', ...at };
          const outcome = step.minutes === 1 ? 'retry' : step.minutes === 2 ? 'give up' : 'complete';
          return { do: outcome, ...at, id: job.lease.token };
        }
        case 'take back':
          if (job.claim && !job.held)
            return { do: 'release', job: job.id, actor: step.stale ? actor : job.claim.by };
          return {
            do: 'undo',
            ...at,
            id: job.held?.id ?? at.id,
            actor: step.stale ? actor : (job.held?.actor ?? actor),
          };
        case 'claim':
          return { do: 'claim', ...at, actor };
        case 'claimNext':
          return { do: 'claimNext', id: at.id, actor };
        case 'plan':
          return { do: 'plan', job: job.id, revision, plan: step.plan };
        case 'decide':
        case 'hold':
          return { ...decision(job.id, actor, verdict, revision), do: what };
        case 'automatic':
          return { do: 'automatic', ...at, verdict: verdict === 'reject' ? 'reject' : 'approve', revision };
        case 'edit':
          return { do: 'edit', job: job.id, actor, revision };
        case 'cancel':
          return { do: 'cancel', job: job.id, actor };
        case 'pass':
          return { do: 'pass', minutes: step.minutes };
        case 'settle':
        case 'approve due':
        case 'climb':
        case 'kick':
          return { do: what };
      }
    }

    private async once(command: Command): Promise<unknown> {
      this.sent.push(command);
      const shown = await this.shownTo(command);
      const answer = await this.perform(stores[this.sent.length % 2]!, command);
      if (shown)
        expect({ command, ...shown, taken: Boolean(answer) }).toMatchObject({
          taken: shown.obstacle === null,
        });
      expect({ command, answer }).toEqual({ command, answer: this.model.run(command) });
      await this.compare([this.model], [command]);
      return answer;
    }

    /** What somebody is told who asks whether they may approve or reject, right before they do. */
    private async shownTo(command: Command): Promise<{ obstacle: Obstacle | null } | null> {
      if (command.do !== 'decide' && command.do !== 'hold') return null;
      const { job: id, actor, verdict } = command;
      const job = this.model.jobs.find((one) => one.id === id)!;
      const votes = verdict === 'approve' || verdict === 'reject';
      if (!votes || command.revision !== job.revision || job.spent.includes(command.id)) return null;
      const obstacles = await stores[0]!.deskReader.obstacles(SCOPE, [id], {
        actor,
        desk: this.deskOf(actor),
      });
      return { obstacle: obstacles.get(id)! };
    }

    /** Two at the same moment: as if one had come after the other. */
    private async together(one: Command, other: Command): Promise<void> {
      this.sent.push(one, other);
      const answers = await Promise.all([this.perform(stores[0]!, one), this.perform(stores[1]!, other)]);
      const orders = [
        [0, 1],
        [1, 0],
      ].flatMap((order) => {
        const model = this.model.copy();
        const told: unknown[] = [];
        for (const index of order) told[index] = model.run([one, other][index]!);
        return JSON.stringify(told) === JSON.stringify(answers) ? [model] : [];
      });
      if (orders.length === 0) {
        throw new Error(`no order explains ${JSON.stringify({ commands: [one, other], answers })}`);
      }
      await this.compare(orders, [one, other]);
    }

    /** Its connection is ended in the middle of it; whether or not it had its effect, it is sent again. */
    private async crash(command: Command): Promise<void> {
      this.sent.push(command);
      const [{ pid }] = (await mortal
        .query('SELECT pg_backend_pid() AS pid')
        .catch(() => mortal.query('SELECT pg_backend_pid() AS pid'))) as [{ pid: number }];
      const answer = this.perform(stores[2]!, command).then(
        () => true,
        () => false,
      );
      // At another place of the statement every time.
      for (let turns = this.sent.length % 5; turns > 0; turns -= 1) await database.query('SELECT 1');
      await database.query('SELECT pg_terminate_backend($1)', [pid]);
      await answer;
      await until(`the connection ${pid} is gone`, async () => {
        const rows = await database.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid]);
        return rows.length === 0;
      });
      await this.perform(stores[0]!, command);
      this.model.run(command);
      this.model.run(command);
      await this.compare([this.model], [command, 'after a crash']);
    }

    /** The desk is as one of these models; goes on with that one. */
    private async compare(models: Model[], after: unknown[]): Promise<void> {
      const rows = await this.rows();
      const model = models.find((one) => JSON.stringify(one.jobs.map(viewOf)) === JSON.stringify(rows));
      if (!model) expect({ after, rows }).toEqual({ after, rows: models[0]!.jobs.map(viewOf) });
      this.model = model!;
      for (const { events } of rows) for (const event of events) this.seen.add(event.split(' ')[0]!);
    }

    private rows(): Promise<ReturnType<typeof viewOf>[]> {
      return database.query(
        `SELECT id, status, failure_reason AS failure, revision, response #>> '{}' AS response,
                model_response #>> '{}' AS "modelResponse", regenerations::int, planned_at IS NOT NULL AS planned, approvals::int,
                four_eyes AS "fourEyes", review_group AS "group", approved_by AS "approvedBy", rejected_by AS "rejectedBy",
                escalated_at IS NOT NULL AS escalated, remind_at IS NOT NULL AS reminds, escalate_at IS NOT NULL AS escalates,
                deadline_at IS NOT NULL AS ends, claimed_by AS "claimedBy", held_decision ->> 'id' AS held,
                lease_token AS token, kicks::int,
                ARRAY(SELECT type || ' ' || actor FROM job_events e WHERE e.job_id = j.id ORDER BY e.id) AS events,
                ARRAY(SELECT actor || ' ' || verdict || ' ' || revision || CASE WHEN final THEN ', final' ELSE '' END
                      FROM decisions d WHERE d.job_id = j.id ORDER BY 1) AS decisions,
                (SELECT count(*)::int FROM webhook_deliveries w WHERE w.job_id = j.id) AS webhooks
         FROM jobs j WHERE id = ANY ($1) ORDER BY array_position($1, id)`,
        [this.model.jobs.map(({ id }) => id)],
      );
    }

    /** Without the model: whatever was released has as many people's approvals as its plan wants, or a policy's that may. */
    async checkReleases(): Promise<void> {
      const ids = this.model.jobs.map(({ id }) => id);
      const released = await database.query<any>(
        `SELECT j.*, d.automatic, d.at_deadline,
                (SELECT count(*)::int FROM decisions r WHERE r.job_id = j.id AND r.released_hash IS NOT NULL) AS releases,
                ARRAY(SELECT DISTINCT v.actor FROM decisions v
                      WHERE v.job_id = j.id AND NOT v.automatic
                        AND (v.verdict = 'approve' AND v.revision = j.revision OR v.verdict = 'edit' AND v.revision = j.revision - 1)) AS people
         FROM jobs j JOIN decisions d ON d.job_id = j.id AND d.released_revision = j.revision AND d.released_hash = j.released_hash
         WHERE j.id = ANY ($1)`,
        [ids],
      );
      const successes = this.model.jobs.filter(({ status }) => status === 'success');
      expect(released.map(({ id }) => id).sort()).toEqual(successes.map(({ id }) => id).sort());
      for (const job of released) {
        expect(job.releases).toBe(1);
        if (job.automatic) {
          expect(job.at_deadline ? job.on_deadline === 'approve' : job.planned_at === null).toBe(true);
        } else {
          expect(job.people.length).toBeGreaterThanOrEqual(job.approvals);
          if (job.four_eyes) expect(job.people).not.toContain(SUBMITTER);
        }
      }
    }

    private deskOf(actor: string): DeskRules {
      const [groups, requirePlan] = [GROUPS[actor]!, this.hasPolicy];
      return { groups, requirePlan, fourEyes: false, maxRegenerations: MAX_REGENERATIONS };
    }

    private async perform({ jobs, desk }: Stores, command: Command): Promise<unknown> {
      const deskOf = this.deskOf.bind(this);
      const claimOf = ({ id, actor }: { id: string; actor: string }) =>
        aClaim({ id, actor, leaseMs: 2 * MINUTE, desk: deskOf(actor) });
      const lease = (one: { job: string; id: string }) => ({ jobId: one.job, token: one.id });
      switch (command.do) {
        case 'plan': {
          const { group, escalateTo, approvals, fourEyes, onDeadline, remind, escalate, deadline, grace } =
            command.plan;
          const after = (wait: number | null): number | null => (wait === null ? null : wait * MINUTE);
          return desk.plan(
            aPlan(command.job, {
              ...{
                revision: command.revision,
                rule: null,
                group,
                escalateTo,
                approvals,
                fourEyes,
                onDeadline,
              },
              remindAfterMs: after(remind),
              escalateAfterMs: after(escalate),
              deadlineMs: after(deadline),
              deadlineGraceMs: grace * MINUTE,
            }),
          );
        }
        case 'decide':
        case 'hold': {
          const { job, id, actor, verdict, revision } = command;
          const response = verdict === 'edit' ? edited(Number(revision), actor) : null;
          const judgement = aDecision(job, { id, actor, verdict, revision, response, desk: deskOf(actor) });
          if (command.do === 'hold') return (await desk.hold(judgement, MINUTE)) !== null;
          return toldOf(await desk.decide(judgement));
        }
        case 'automatic': {
          const { job, id, verdict, revision } = command;
          const policy = { rule: 'easy', hash: 'p1', atDeadline: false };
          return toldOf(
            await desk.decide(aDecision(job, { id, actor: 'policy:easy', verdict, revision, policy })),
          );
        }
        case 'undo':
          return desk.undo({ ...SCOPE, jobId: command.job, decisionId: command.id, actor: command.actor });
        case 'edit': {
          const { job, actor, revision } = command;
          const response = edited(revision, actor);
          return desk.edit(anEdit(job, { actor, revision, response, desk: deskOf(actor) }));
        }
        case 'claim':
          return desk.claimReview({ ...claimOf(command), jobId: command.job });
        case 'claimNext':
          return desk.claimNextReview(claimOf(command));
        case 'release':
          return desk.releaseReview({ ...SCOPE, jobId: command.job, actor: command.actor });
        case 'cancel':
          return jobs.cancel(SCOPE, command.job, command.actor);
        case 'take':
          return (await jobs.claim({ ...lease(command), leaseMs: MINUTE, maxAttempts: 5 })) !== null;
        case 'complete':
          return (await jobs.complete(anAnswer(lease(command), answered(command.id)))) !== null;
        case 'retry':
        case 'give up':
          return jobs.failAttempt({
            ...lease(command),
            detail: 'x',
            retryInMs: command.do === 'retry' ? MINUTE : null,
          });
        case 'settle':
          return byJob((await settleHeld(desk, 100)).map((one) => [one.jobId, toldOf(one)]));
        case 'approve due': {
          const due = await desk.dueApprovals(100);
          const approved = due.map(async ({ jobId, revision, policyHash }): Promise<[string, unknown]> => {
            const policy = { rule: 'defaults', hash: policyHash, atDeadline: true };
            const actor = 'policy:defaults';
            return [jobId, toldOf(await desk.decide(aDecision(jobId, { actor, revision, policy })))];
          });
          return byJob(await Promise.all(approved));
        }
        case 'climb':
          return byJob((await desk.climbLadder(100)).map(({ jobId, type }) => [jobId, type]));
        case 'kick':
          return byJob((await jobs.kickOverdue(100)).map(({ jobId }) => [jobId, 'rung']));
        case 'pass': {
          const times = [
            'waiting_since',
            'remind_at',
            'escalate_at',
            'deadline_at',
            'claimed_at',
            'claimed_until',
            'at_work_until',
          ];
          const earlier = [...times, 'held_until', 'lease_until', 'next_kick_at']
            .map((column) => `${column} = ${column} - $2 * interval '1 minute'`)
            .join();
          const ids = this.model.jobs.map(({ id }) => id);
          await database.query(`UPDATE jobs SET ${earlier} WHERE id = ANY ($1)`, [ids, command.minutes]);
          // What comes back with an answer that the model does not better has its times in the fallback.
          for (const name of times.slice(0, 4)) {
            await database.query(
              `UPDATE jobs SET fallback = jsonb_set(fallback, ARRAY[$3::text], to_jsonb((fallback ->> $3)::timestamptz - $2 * interval '1 minute'))
               WHERE id = ANY ($1) AND fallback ->> $3::text IS NOT NULL`,
              [ids, command.minutes, name],
            );
          }
          return null;
        }
      }
    }
  }
});

/** People mostly see that a job does not wait for them: then a worker goes on, or a held decision does. */
function likely(step: Step, job: ModelJob): Step['do'] {
  const acts = ['decide', 'hold', 'edit', 'claim'].includes(step.do) && !step.stale;
  if (acts && job.status === 'bot') return 'work';
  if (acts && job.held) return step.minutes === 1 ? 'take back' : step.minutes === 2 ? 'pass' : 'settle';
  return step.do;
}

const NO_PLAN: Plan = {
  approvals: 1,
  fourEyes: false,
  group: null,
  escalateTo: null,
  remind: null,
  escalate: null,
  deadline: null,
  onDeadline: 'fail',
  grace: 0,
};

const decision = (job: string, actor: string, verdict: Step['verdict'], revision: number) =>
  ({ do: 'decide', job, id: randomUUID(), actor, verdict, revision }) satisfies Command;

const toldOf = (decided: { status: string; revision: number } | null): unknown =>
  decided && { status: decided.status, revision: decided.revision };

const byJob = (entries: [string, unknown][]): Record<string, unknown> => Object.fromEntries(entries);

/** What the rows of a job must tell. */
function viewOf(job: ModelJob) {
  return {
    id: job.id,
    status: job.status,
    failure: job.failure,
    revision: job.revision,
    response: job.response,
    modelResponse: job.modelResponse,
    regenerations: job.regenerations,
    planned: job.plan !== null,
    approvals: job.plan?.approvals ?? 1,
    fourEyes: job.plan?.fourEyes ?? false,
    group: job.group,
    approvedBy: job.approvedBy,
    rejectedBy: job.rejectedBy,
    escalated: job.escalated,
    reminds: job.remindAt !== null,
    escalates: job.escalateAt !== null,
    ends: job.deadlineAt !== null,
    claimedBy: job.claim?.by ?? null,
    held: job.held?.id ?? null,
    token: job.lease?.token ?? null,
    kicks: job.kicks,
    events: job.events,
    decisions: [...job.decisions].sort(),
    webhooks: isFinal(job) ? 1 : 0,
  };
}
