import { randomUUID } from 'node:crypto';
import type { FieldFault } from '@hitl/domain';
import { SandboxError, SANDBOXES } from '@hitl/sandbox';
import type { Facts } from './condition';
import { EVALUATION_TIMEOUT_MS, type Policy, type Ruling } from './policy';

/** How a policy that somebody tries reads: what can be told of it without a job, or all that is wrong with it. */
export type PolicyReading =
  { hash: string; rules: string[]; warnings: FieldFault[] } | { faults: FieldFault[] };

/**
 * What the policy in force says of an answer. It is asked in a process of its own, since submitters write what its
 * conditions look at. Never throws: whatever goes wrong means that a human reviews.
 * @param mayDecide whether a rule may decide instead of a human at all
 * @param owner whose answer it is
 */
export async function ruleOn(
  policy: Policy,
  facts: Facts & { jobId: string },
  mayDecide: boolean,
  owner: string,
): Promise<Ruling> {
  try {
    const args = [policy.text, [facts], mayDecide, null];
    const [ruling] = await SANDBOXES.policy.run<Ruling[]>('rulings', args, owner);
    return ruling ?? policy.inDoubt('error');
  } catch (error) {
    const isSlow = error instanceof SandboxError && (error.reason === 'time' || error.reason === 'busy');
    return policy.inDoubt(isSlow ? `the rules took longer than ${EVALUATION_TIMEOUT_MS} ms` : 'error');
  }
}

/** What a policy that somebody tries is, and what it says of answers: in another process than the one in force. */
export class PolicyTrial {
  /** Trials take turns. */
  private readonly owner = randomUUID();

  constructor(private readonly text: string) {}

  /** @throws SandboxError */
  read(): Promise<PolicyReading> {
    return SANDBOXES.dryRuns.run('readPolicy', [this.text], this.owner);
  }

  /**
   * The rulings on answers, in their order; fewer where the time is over.
   * @throws SandboxError
   */
  rulings(answers: (Facts & { jobId: string })[], ms: number): Promise<Ruling[]> {
    return SANDBOXES.dryRuns.run('rulings', [this.text, answers, true, ms], this.owner);
  }
}
