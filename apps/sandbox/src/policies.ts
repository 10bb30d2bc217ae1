import { parsePolicy, PolicyError } from '../../review-service/src/policies/parse-policy';
import type { Policy, Ruling } from '../../review-service/src/policies/policy';
import type { Facts } from '../../review-service/src/policies/condition';
import type { PolicyReading } from '../../review-service/src/policies/rulings';

/** Policies that are kept ready: that in force, and the one before it. */
const MAX_READY = 2;

const ready = new Map<string, Policy>();

export function readPolicy(text: string): PolicyReading {
  try {
    const { hash, rules, warnings } = policyOf(text);
    return { hash, rules: rules.map(({ name }) => name), warnings };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { faults: error.faults };
  }
}

/**
 * What a policy says of answers, in their order.
 * @param mayDecide whether a rule may decide instead of a human at all
 * @param ms after how long no further answer is judged: there are fewer rulings then; null: all are
 */
export function rulings(
  text: string,
  answers: (Facts & { jobId: string })[],
  mayDecide: boolean,
  ms: number | null,
): Ruling[] {
  const until = performance.now() + (ms ?? Infinity);
  const policy = policyOf(text);
  const made: Ruling[] = [];
  for (const answer of answers) {
    if (performance.now() > until) break;
    made.push(policy.evaluate(answer, mayDecide));
  }
  return made;
}

function policyOf(text: string): Policy {
  const policy = ready.get(text) ?? parsePolicy(text);
  ready.delete(text);
  ready.set(text, policy);
  const [oldest] = ready.keys();
  if (ready.size > MAX_READY && oldest !== undefined) ready.delete(oldest);
  return policy;
}
