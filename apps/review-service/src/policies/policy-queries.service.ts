import { Injectable } from '@nestjs/common';
import { countsOf, DomainError, JobReader, UNIONS, type Answered, type Scope } from '@hitl/domain';
import type { DryRunReply, PolicyChange, PolicyReply } from '@hitl/messaging';
import { SandboxError } from '@hitl/sandbox';
import { termsOf, type Ruling } from './policy';
import { PolicyFile } from './policy-file.service';
import { PolicyTrial, type PolicyReading } from './rulings';

/** A policy that was read is tried for so long, in milliseconds: its asker waits for some seconds longer. */
const DRY_RUN_MS = 2500;
/** Answers that are read at once; each may be large. */
const ANSWERS_PER_PAGE = 20;
const MAX_CHANGES = 100;

/** What can be asked about policies. */
@Injectable()
export class PolicyQueries {
  constructor(
    private readonly file: PolicyFile,
    private readonly jobs: JobReader,
  ) {}

  read(): PolicyReply {
    const { current, loadedAt, fault, rejectReasons } = this.file;
    return {
      configured: current !== null,
      hash: current?.hash ?? null,
      loadedAt: loadedAt?.toISOString() ?? null,
      error: fault,
      text: current?.text ?? null,
      groups: current?.groups ?? {},
      rejectReasons,
      rules: (current?.rules ?? []).map((rule) => ({
        ...termsOf(rule),
        name: rule.name,
        when: rule.when?.text ?? null,
        outcome: rule.outcome,
        sample: rule.sample,
        shadow: rule.shadow,
        submitterMessage: rule.submitterMessage,
      })),
    };
  }

  /**
   * What a policy would have done with the newest `last` answers of a project, or with as many as there is time for.
   * @throws DomainError invalid_policy, unavailable
   */
  async dryRun(scope: Scope, text: string, last: number): Promise<DryRunReply> {
    const trial = new PolicyTrial(text);
    const policy = await read(trial);
    // Only now: on a busy machine the start of the trial's process takes seconds.
    const end = Date.now() + DRY_RUN_MS;
    const jobsOf = new Map<string | null, number>([...policy.rules, null].map((rule) => [rule, 0]));
    const reply: DryRunReply = {
      hash: policy.hash,
      warnings: policy.warnings,
      jobs: 0,
      outcomes: countsOf(UNIONS.PolicyOutcome),
      byRule: [],
      stoppedEarly: false,
      changes: [],
    };
    for await (const page of this.pages(scope, last)) {
      const left = end - Date.now();
      const facts = page.map((answer) => ({
        ...answer,
        payload: answer.payload.value,
        response: answer.response.value,
      }));
      const rulings = left > 0 ? await trial.rulings(facts, left).catch(nothing) : [];
      for (const [index, ruling] of rulings.entries()) {
        const answer = page[index];
        if (!answer) break;
        const after = outcomeOf(ruling);
        reply.jobs += 1;
        reply.outcomes[after.outcome] += 1;
        jobsOf.set(after.rule, (jobsOf.get(after.rule) ?? 0) + 1);
        const change = { jobId: answer.jobId, before: outcomeBefore(answer), after };
        if (reply.changes.length < MAX_CHANGES && differs(change)) reply.changes.push(change);
      }
      if (rulings.length === page.length) continue;
      reply.stoppedEarly = true;
      break;
    }
    reply.byRule = [...jobsOf].map(([rule, jobs]) => ({ rule, jobs }));
    return reply;
  }

  private async *pages(scope: Scope, last: number): AsyncGenerator<Answered[]> {
    let before: string | undefined;
    for (let left = last; left > 0;) {
      const page = await this.jobs.answered(scope, { before, limit: Math.min(left, ANSWERS_PER_PAGE) });
      yield page;
      left -= page.length;
      before = page.at(-1)?.jobId;
      if (before === undefined) return;
    }
  }
}

/** @throws DomainError invalid_policy, unavailable */
async function read(trial: PolicyTrial): Promise<Exclude<PolicyReading, { faults: unknown }>> {
  const reading = await trial.read().catch((error: unknown): PolicyReading => {
    if (!(error instanceof SandboxError)) throw error;
    if (error.reason !== 'busy')
      return { faults: [{ pointer: '', detail: `reading it failed: ${error.message}` }] };
    throw new DomainError(
      'unavailable',
      'Too many policies are being tried right now. Try again in a few seconds.',
    );
  });
  if (!('faults' in reading)) return reading;
  throw new DomainError(
    'invalid_policy',
    `The policy cannot be used: ${reading.faults.length} faults.`,
    reading.faults,
  );
}

/** No ruling, where the policy used up what it may. */
function nothing(error: unknown): Ruling[] {
  if (error instanceof SandboxError) return [];
  throw error;
}

function outcomeBefore({ verdict, automatic, rule }: Answered): PolicyChange['before'] {
  const decided = automatic ? UNIONS.PolicyOutcome.find((each) => each === verdict) : undefined;
  return { outcome: decided ?? 'human', rule, finalVerdict: verdict };
}

function outcomeOf(judgement: Ruling): PolicyChange['after'] {
  if ('decide' in judgement) {
    const { verdict, rule } = judgement.decide;
    return { outcome: verdict, rule, approvals: null, group: null, because: null, ends: null };
  }
  const { rule, approvals, group, because, deadlineMs, onDeadline, deadlineGraceMs } = judgement.plan;
  const ends =
    deadlineMs === null ? null : { afterMs: deadlineMs, outcome: onDeadline, graceMs: deadlineGraceMs };
  return { outcome: 'human', rule, approvals, group, because, ends };
}

function differs({ before, after }: PolicyChange): boolean {
  return before.outcome !== after.outcome || before.rule !== after.rule;
}
