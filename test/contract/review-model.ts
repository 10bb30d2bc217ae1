import type { Verdict } from '@hitl/domain';

/** Who can act; `sue` submits the jobs. */
export const GROUPS: Record<string, string[]> = {
  ann: [],
  ben: ['legal'],
  cho: ['legal', 'chiefs'],
  sue: ['legal', 'chiefs'],
  // They come only at the end, to bring home what the others have left.
  dan: ['legal', 'chiefs'],
  eve: ['legal', 'chiefs'],
  fay: ['legal', 'chiefs'],
};
export const SUBMITTER = 'sue';
export const MAX_REGENERATIONS = 2;
/** How long a claim, a lease, the time to undo, work after an undone decision and the first wait for a worker last, in minutes. */
const CLAIM = 2;
const LEASE = 1;
const UNDO = 1;
const AT_WORK = 5;
const KICK = 1;

/** Times are minutes since the answer came. */
export interface Plan {
  approvals: number;
  fourEyes: boolean;
  group: string | null;
  escalateTo: string | null;
  remind: number | null;
  escalate: number | null;
  deadline: number | null;
  onDeadline: 'fail' | 'approve';
  grace: number;
}

/** A command as it is sent, and sent again when its reply was lost. `id` is a decision's, a claim's or a lease's token. */
export type Command =
  | { do: 'plan'; job: string; revision: number; plan: Plan }
  | {
      do: 'decide' | 'hold';
      job: string;
      id: string;
      actor: string;
      verdict: Verdict;
      revision: number | null;
    }
  | { do: 'automatic'; job: string; id: string; verdict: 'approve' | 'reject'; revision: number }
  | { do: 'undo'; job: string; id: string; actor: string }
  | { do: 'edit'; job: string; actor: string; revision: number }
  | { do: 'claim'; job: string; id: string; actor: string }
  | { do: 'claimNext'; id: string; actor: string }
  | { do: 'release' | 'cancel'; job: string; actor: string }
  | { do: 'take' | 'complete' | 'retry' | 'give up'; job: string; id: string }
  | { do: 'settle' | 'approve due' | 'climb' | 'kick' }
  | { do: 'pass'; minutes: number };

interface Judgement {
  id: string;
  actor: string;
  verdict: Verdict;
  by: 'person' | 'policy' | 'deadline';
}

/** A job as the rules want it. */
export interface ModelJob {
  id: string;
  priority: number;
  status: 'bot' | 'human' | 'success' | 'fail';
  failure: string | null;
  revision: number;
  response: string | null;
  modelResponse: string | null;
  regenerations: number;
  plan: Plan | null;
  group: string;
  approvedBy: string[];
  rejectedBy: string[];
  escalated: boolean;
  remindAt: number | null;
  escalateAt: number | null;
  deadlineAt: number | null;
  waitingSince: number;
  /** What comes back when the model gives no other answer. */
  fallback: Pick<ModelJob, 'response' | 'modelResponse' | 'remindAt' | 'escalateAt' | 'deadlineAt'> | null;
  claim: { by: string; id: string; until: number } | null;
  held: (Judgement & { until: number }) | null;
  /** Until when somebody who has undone a decision is taken to be at work. */
  atWorkUntil: number;
  lease: { token: string | null; until: number } | null;
  kickAt: number;
  kicks: number;
  /** Ids of decisions that were made or undone. */
  spent: string[];
  decisions: string[];
  events: string[];
}

/** What an edit under this revision writes. */
export const edited = (revision: number, actor: string): string => `${actor}'s after ${revision}`;
export const answered = (token: string): string => `the model's under ${token}`;

/** The desk as the rules of the issue want it: one command after the other, nothing ever at the same time. */
export class Model {
  now = 0;
  constructor(
    readonly jobs: ModelJob[],
    /** Whether a policy is configured, so that nobody acts before its plan. */
    readonly hasPolicy: boolean,
  ) {}

  copy(): Model {
    const model = new Model(structuredClone(this.jobs), this.hasPolicy);
    model.now = this.now;
    return model;
  }

  /** Does it, and answers what the caller must be told. */
  run(command: Command): unknown {
    if ('job' in command)
      return this.runOn(
        this.jobs.find(({ id }) => id === command.job)!,
        command,
      );
    switch (command.do) {
      case 'pass':
        this.now += command.minutes;
        return null;
      case 'settle':
        return this.each((one) => this.settle(one));
      case 'approve due':
        return this.each((one) => this.decide(one, { ...AT_DEADLINE, id: '' }, null));
      case 'climb':
        return this.each((one) => this.climb(one));
      case 'kick':
        return this.each((one) => this.kick(one));
      case 'claimNext':
        return this.claimNext(command.id, command.actor);
    }
  }

  private runOn(job: ModelJob, command: Extract<Command, { job: string }>): unknown {
    switch (command.do) {
      case 'plan':
        return this.plan(job, command.revision, command.plan);
      case 'decide':
        return this.decide(job, { ...command, by: 'person' }, command.revision);
      case 'automatic':
        return this.decide(job, { ...command, actor: 'policy:easy', by: 'policy' }, command.revision);
      case 'hold': {
        if (!this.mayDecide(job, { ...command, by: 'person' }, command.revision)) return false;
        const { id, actor, verdict } = command;
        job.held = { id, actor, verdict, by: 'person', until: this.now + UNDO };
        return tell(job, 'held', actor);
      }
      case 'undo': {
        const { held } = job;
        if (held?.id !== command.id || held.actor !== command.actor || held.until <= this.now) return false;
        job.held = null;
        job.atWorkUntil = this.now + AT_WORK;
        job.spent.push(command.id);
        return tell(job, 'undone', command.actor);
      }
      case 'edit': {
        const free = this.mayTouch(job, command.actor) && this.isFreeFor(job, command.actor);
        if (!free || command.revision !== job.revision) return null;
        this.change(job, command.actor);
        tell(job, 'edited', command.actor);
        return job.revision;
      }
      case 'claim':
        return this.claim(job, command.id, command.actor);
      case 'release':
        if (job.claim?.by !== command.actor || job.claim.until <= this.now) return false;
        job.claim = null;
        return tell(job, 'released', command.actor);
      case 'cancel':
        if (isFinal(job)) return false;
        this.end(job, 'fail', 'cancelled');
        return tell(job, 'cancelled', command.actor);
      case 'take':
      case 'complete':
      case 'retry':
      case 'give up':
        return this.work(job, command.do, command.id);
    }
  }

  /** Whether a person may do anything about a job: it waits, is planned and not decided, and is theirs to review. */
  private mayTouch(job: ModelJob, actor: string): boolean {
    return (
      job.status === 'human' &&
      job.held === null &&
      (job.plan !== null || !this.hasPolicy) &&
      (job.group === '' || GROUPS[actor]!.includes(job.group)) &&
      !(job.plan?.fourEyes === true && actor === SUBMITTER)
    );
  }

  private isFreeFor(job: ModelJob, actor: string): boolean {
    return job.claim === null || job.claim.until <= this.now || job.claim.by === actor;
  }

  private mayDecide(job: ModelJob, { id, actor, verdict, by }: Judgement, revision: number | null): boolean {
    if (job.status !== 'human' || job.held !== null || job.spent.includes(id)) return false;
    if (revision !== null && revision !== job.revision) return false;
    if (by === 'policy') return job.plan === null && job.regenerations === 0 && busyUntil(job) <= this.now;
    if (by === 'deadline') return this.isDue(job, job.deadlineAt) && job.plan?.onDeadline === 'approve';
    if (verdict === 'regenerate' && job.regenerations >= MAX_REGENERATIONS) return false;
    const votes = verdict === 'approve' || verdict === 'reject';
    return this.mayTouch(job, actor) && this.isFreeFor(job, actor) && !(votes && hasVoted(job, actor));
  }

  private decide(job: ModelJob, judgement: Judgement, revision: number | null): unknown {
    return this.mayDecide(job, judgement, revision) ? this.takeEffect(job, judgement) : null;
  }

  private settle(job: ModelJob): unknown {
    const { held } = job;
    return held && held.until <= this.now ? this.takeEffect(job, held) : null;
  }

  private takeEffect(job: ModelJob, { id, actor, verdict, by }: Judgement): unknown {
    const judged = job.revision;
    job.spent.push(id);
    job.claim = null;
    job.held = null;
    if (verdict === 'regenerate') {
      const { response, modelResponse, remindAt, escalateAt, deadlineAt } = job;
      Object.assign(job, {
        fallback: { response, modelResponse, remindAt, escalateAt, deadlineAt },
        status: 'bot',
        response: null,
        modelResponse: null,
        kickAt: this.now + KICK,
      });
      job.regenerations += 1;
      this.leave(job);
      job.decisions.push(`${actor} regenerate ${judged}, final`);
      tell(job, 'regenerated', actor);
      return { status: 'bot', revision: judged };
    }
    if (verdict === 'edit') this.change(job, actor);
    const agreeing = verdict === 'reject' ? job.rejectedBy : job.approvedBy;
    if (by === 'person') agreeing.push(actor);
    const final = by !== 'person' || agreeing.length >= (job.plan?.approvals ?? 1);
    job.decisions.push(`${actor} ${verdict} ${judged}${final ? ', final' : ''}`);
    if (final) {
      this.end(job, verdict === 'reject' ? 'fail' : 'success', verdict === 'reject' ? 'rejected' : null);
      tell(job, 'decided', actor);
    } else {
      tell(job, 'voted', actor);
      if (job.approvedBy.length > 0 && job.rejectedBy.length > 0) this.escalate(job, actor);
    }
    return { status: job.status, revision: job.revision };
  }

  /** A new revision, which nobody has judged. */
  private change(job: ModelJob, actor: string): void {
    job.modelResponse ??= job.response;
    job.response = edited(job.revision, actor);
    job.revision += 1;
    job.approvedBy = [];
    job.rejectedBy = [];
  }

  private escalate(job: ModelJob, actor: string): void {
    if (job.escalated) return;
    job.escalated = true;
    job.escalateAt = null;
    job.group = job.plan?.escalateTo ?? job.group;
    tell(job, 'escalated', actor);
  }

  private plan(job: ModelJob, revision: number, plan: Plan): boolean {
    if (job.status !== 'human' || job.plan !== null || job.held !== null || revision !== job.revision)
      return false;
    const due = (minutes: number | null): number | null =>
      minutes === null ? null : job.waitingSince + minutes;
    Object.assign(job, {
      plan,
      group: plan.group ?? '',
      remindAt: due(plan.remind),
      escalateAt: due(plan.escalate),
      deadlineAt: due(plan.deadline),
    });
    return tell(job, 'planned', 'policy:defaults');
  }

  private claim(job: ModelJob, id: string, actor: string): boolean {
    if (!this.mayTouch(job, actor) || !this.isFreeFor(job, actor) || hasVoted(job, actor)) return false;
    const renews = job.claim?.by === actor && job.claim.until > this.now;
    job.claim = { by: actor, id, until: this.now + CLAIM };
    return renews || tell(job, 'claimed', actor);
  }

  private claimNext(id: string, actor: string): string | null {
    const mine = this.jobs.find(
      ({ claim }) => claim?.id === id && claim.by === actor && claim.until > this.now,
    );
    if (mine) return mine.id;
    const free = this.jobs.filter(
      (job) =>
        this.mayTouch(job, actor) &&
        !hasVoted(job, actor) &&
        (job.claim === null || job.claim.until <= this.now),
    );
    const [next] = free.sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
    return next && this.claim(next, id, actor) ? next.id : null;
  }

  /** Whether a step comes that was due then: somebody at work puts it off, as long as the plan allows. */
  private isDue(job: ModelJob, due: number | null): boolean {
    if (due === null) return false;
    return Math.min(Math.max(due, busyUntil(job)), due + (job.plan?.grace ?? 0)) <= this.now;
  }

  private climb(job: ModelJob): unknown {
    if (job.status !== 'human' || job.held !== null) return null;
    if (this.isDue(job, job.deadlineAt)) {
      if (job.plan?.onDeadline === 'approve') return null;
      this.end(job, 'fail', 'expired');
      tell(job, 'expired', 'desk');
      return 'expired';
    }
    const escalates = this.isDue(job, job.escalateAt);
    if (!escalates && !isPast(job.remindAt, this.now)) return null;
    job.remindAt = null;
    if (escalates) {
      this.escalate(job, 'desk');
      return 'escalated';
    }
    tell(job, 'reminded', 'desk');
    return 'reminded';
  }

  private kick(job: ModelJob): unknown {
    if (job.status !== 'bot' || job.kickAt > this.now || (job.lease && job.lease.until > this.now))
      return null;
    job.kickAt = this.now + KICK;
    job.kicks += 1;
    return 'rung';
  }

  private work(job: ModelJob, what: 'take' | 'complete' | 'retry' | 'give up', token: string): boolean {
    if (job.status !== 'bot') return false;
    if (what === 'take') {
      if (job.lease && job.lease.until > this.now) {
        job.kickAt = Math.min(job.kickAt, job.lease.until);
        return false;
      }
      job.lease = { token, until: this.now + LEASE };
      return true;
    }
    if (job.lease?.token !== token) return false;
    job.lease = null;
    job.kicks = 0;
    if (what === 'retry') {
      job.lease = { token: null, until: this.now + LEASE };
      job.kickAt = this.now + LEASE;
      return tell(job, 'attempt_failed', 'worker');
    }
    const { fallback } = job;
    job.fallback = null;
    if (what === 'give up' && fallback) {
      job.revision += 1;
      Object.assign(job, { ...fallback, status: 'human', approvedBy: [], rejectedBy: [] });
      // No rule approves what a person has sent back.
      if (job.plan) job.plan = { ...job.plan, onDeadline: 'fail' };
      return tell(job, 'regeneration_failed', 'worker');
    }
    if (what === 'give up') {
      this.end(job, 'fail', 'inference_failed');
      return tell(job, 'failed', 'worker');
    }
    job.revision += 1;
    Object.assign(job, {
      status: 'human',
      response: answered(token),
      modelResponse: null,
      waitingSince: this.now,
      plan: null,
      group: '',
      approvedBy: [],
      rejectedBy: [],
      escalated: false,
    });
    return tell(job, 'inferred', 'worker');
  }

  private end(job: ModelJob, status: 'success' | 'fail', failure: string | null): void {
    Object.assign(job, { status, failure, lease: null, fallback: null });
    this.leave(job);
  }

  private leave(job: ModelJob): void {
    Object.assign(job, {
      remindAt: null,
      escalateAt: null,
      deadlineAt: null,
      claim: null,
      held: null,
      atWorkUntil: 0,
    });
  }

  /** What each job answers that has something to answer, by id. */
  private each(step: (job: ModelJob) => unknown): Record<string, unknown> {
    const answers = this.jobs.map((job): [string, unknown] => [job.id, step(job)]);
    return Object.fromEntries(answers.filter(([, answer]) => answer !== null));
  }
}

const AT_DEADLINE = { actor: 'policy:defaults', verdict: 'approve', by: 'deadline' } as const;

export const isFinal = (job: ModelJob): boolean => job.status === 'success' || job.status === 'fail';
const busyUntil = (job: ModelJob): number => Math.max(job.claim?.until ?? 0, job.atWorkUntil);
const hasVoted = (job: ModelJob, actor: string): boolean =>
  [...job.approvedBy, ...job.rejectedBy].includes(actor);
const isPast = (due: number | null, now: number): boolean => due !== null && due <= now;

function tell(job: ModelJob, type: string, actor: string): true {
  job.events.push(`${type} ${actor}`);
  return true;
}

/** A job that has just been submitted. */
export function modelJob(id: string, priority: number): ModelJob {
  return {
    id,
    priority,
    status: 'bot',
    failure: null,
    revision: 0,
    response: null,
    modelResponse: null,
    regenerations: 0,
    plan: null,
    group: '',
    approvedBy: [],
    rejectedBy: [],
    escalated: false,
    remindAt: null,
    escalateAt: null,
    deadlineAt: null,
    waitingSince: 0,
    fallback: null,
    claim: null,
    held: null,
    atWorkUntil: 0,
    lease: null,
    kickAt: KICK,
    kicks: 0,
    spent: [],
    decisions: [],
    events: [`submitted ${SUBMITTER}`],
  };
}
