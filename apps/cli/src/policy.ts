import { readFileSync } from 'node:fs';
import { describeFault, parsePolicy, PolicyError } from '../../review-service/src/policies/parse-policy';
import type { Policy, Rule, Terms } from '../../review-service/src/policies/policy';
import { readArguments } from './arguments';

/**
 * `policy check FILE`: prints what the policy says, and what is wrong with it.
 * @returns the exit code: 0 nothing is wrong, 1 there are faults or warnings, 2 the file cannot be read
 */
export function checkPolicy(args: string[]): number {
  const [path = ''] = readArguments(args, { words: 1, options: [] }).words;
  let policy: Policy;
  try {
    policy = parsePolicy(textOf(path));
  } catch (error) {
    if (!(error instanceof PolicyError || error instanceof UnreadableError)) throw error;
    process.stderr.write(`${path} cannot be used:\n${error.message.replaceAll(/^/gm, '  ')}\n`);
    return error instanceof PolicyError ? 1 : 2;
  }
  const lines = [...policy.rules.map(describeRule), `otherwise → human${describeTerms(policy.defaults)}`];
  process.stdout.write(`${lines.join('\n')}\nSHA-256 ${policy.hash}\n`);
  if (policy.warnings.length === 0) return 0;
  process.stderr.write(
    `${policy.warnings.map((warning) => `warning ${describeFault(warning)}`).join('\n')}\n`,
  );
  return 1;
}

class UnreadableError extends Error {}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UnreadableError((error as Error).message);
  }
}

function describeRule(rule: Rule): string {
  const { name, when, outcome, sample, shadow } = rule;
  const condition = when === null ? '' : ` when ${when.text.trim().replaceAll(/\s+/g, ' ')}`;
  const terms = describeTerms(rule);
  if (outcome === 'human') return `${name}:${condition} → human${terms}`;
  if (shadow) return `${name}:${condition} → human${terms}, recorded as ${outcome}`;
  const people = sample > 0 ? `, ${Number((sample * 100).toFixed(4))} % → human${terms}` : '';
  return `${name}:${condition} → ${outcome}${people}`;
}

function describeTerms(terms: Terms): string {
  const { approvals, fourEyes, group, remindAfterMs, escalateAfterMs, escalateTo, deadlineMs } = terms;
  return [
    approvals > 1 ? ` (${approvals} approvals` : ' (1 approval',
    group === null ? '' : ` from ${group}`,
    fourEyes ? ', never the submitter' : '',
    remindAfterMs === null ? '' : `, reminder after ${describeTime(remindAfterMs)}`,
    escalateAfterMs === null ? '' : `, escalates after ${describeTime(escalateAfterMs)}`,
    escalateAfterMs === null || escalateTo === null ? '' : ` to ${escalateTo}`,
    deadlineMs === null
      ? ''
      : `, ${terms.onDeadline === 'fail' ? 'fails' : 'APPROVED'} after ${describeTime(deadlineMs)}`,
    deadlineMs === null && escalateAfterMs === null
      ? ''
      : `, put off for ${terms.deadlineGraceMs === 0 ? 'nobody' : `${describeTime(terms.deadlineGraceMs)} at most by a reviewer at work`}`,
    ')',
  ].join('');
}

function describeTime(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms / 1000}s`;
}
