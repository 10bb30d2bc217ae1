import { YamlFile } from '@hitl/config';
import { personName, type FieldFault } from '@hitl/domain';
import { fieldsOf, isObject, shown, type Path } from '@hitl/shapes';
import { Condition, ConditionSyntaxError } from './condition';
import { Policy, type RejectReason, type Rule, type Terms } from './policy';
import {
  faultOfName,
  faultOfPerson,
  NO_TERMS,
  PolicyDocument,
  TermsEntry,
  toTerms,
  type RuleEntry,
} from './policy-document';

/** Largest policy, in bytes. */
export const MAX_POLICY = 1_048_576;
/** What the regular expressions of all rules may have together, written out and compiled. */
const MAX_EXPRESSIONS = { characters: 100_000, instructions: 1_000_000 };

/** The reasons of a rejection where the policy lists none, and where there is no policy. */
export const REJECT_REASONS: RejectReason[] = [
  { code: 'incorrect', label: 'Factually wrong' },
  { code: 'unsafe', label: 'Unsafe or harmful' },
  { code: 'incomplete', label: 'Incomplete' },
  { code: 'off_topic', label: 'Does not address the request' },
  { code: 'tone', label: 'Wrong tone' },
  { code: 'other', label: 'Other' },
];

/** The policy cannot be used; `faults` lists everything that is wrong with it, by JSON pointers into it. */
export class PolicyError extends Error {
  override name = 'PolicyError';

  constructor(readonly faults: FieldFault[]) {
    super(faults.map(describeFault).join('\n'));
  }
}

export function describeFault({ pointer, detail }: FieldFault): string {
  return pointer === '' ? detail : `${pointer}: ${detail}`;
}

/**
 * Reads a policy (YAML; docs/policies.md). What is too much is found by counting, never by a clock: the same policy is
 * taken or refused on any machine, however busy.
 * @throws PolicyError
 */
export function parsePolicy(text: string): Policy {
  const size = Buffer.byteLength(text);
  if (size > MAX_POLICY) {
    throw new PolicyError([{ pointer: '', detail: `it has ${size} bytes; the most is ${MAX_POLICY}` }]);
  }
  return new PolicyReader(text).policy();
}

/** Reads one policy: what no key shows alone is checked here. */
class PolicyReader {
  private readonly file: YamlFile;
  private readonly expressions = { characters: 0, instructions: 0 };

  constructor(private readonly text: string) {
    this.file = new YamlFile(text);
  }

  /** @throws PolicyError */
  policy(): Policy {
    const {
      defaults,
      rules: entries = [],
      reject_reasons: reasons,
      groups: lists,
    } = this.file.read(PolicyDocument) ?? {};
    const groups = this.groups(lists);
    const given = defaults ?? new TermsEntry();
    const usual = toTerms(given, NO_TERMS);
    this.checkTerms(usual, groups, given, ['defaults']);
    const rules = entries.map((entry, index) => this.rule(entry, usual, groups, ['rules', index]));
    this.checkUnique(
      entries.map((entry) => entry.name),
      ['rules', 'name'],
    );
    this.checkUnique(
      (reasons ?? []).map((reason) => reason.code),
      ['reject_reasons', 'code'],
    );
    this.warnOfUnreachable(rules);
    if (this.file.faults.length > 0) throw new PolicyError(this.file.faults);
    return new Policy({
      text: this.text,
      groups,
      rejectReasons: reasons ?? REJECT_REASONS,
      defaults: usual,
      letsSubmittersDecide: given.four_eyes === false,
      rules,
      warnings: this.file.warnings,
    });
  }

  /** What an entry's own faults hide is not looked for. */
  private rule(entry: RuleEntry, usual: Terms, groups: Record<string, string[]>, path: Path): Rule {
    const terms = toTerms(entry, usual);
    const isSound = !this.file.hasFaults(path);
    const when = this.condition(entry.when, [...path, 'when']);
    if (isSound) {
      this.checkTerms(terms, groups, entry, path);
      this.checkOutcome(entry, path);
    }
    return {
      ...terms,
      name: entry.name,
      when,
      outcome: entry.outcome ?? 'human',
      sample: entry.sample ?? 0,
      shadow: entry.shadow ?? false,
      submitterMessage: entry.submitter_message ?? null,
    };
  }

  /** Null: there is none, or there is a fault. */
  private condition(given: string | boolean | undefined, path: Path): Condition | null {
    // What comes after too much is not even read.
    if (given === undefined || this.hasTooMuch()) return null;
    const text = String(given);
    try {
      const condition = new Condition(text);
      this.expressions.characters += condition.expressions.characters;
      this.expressions.instructions += condition.expressions.instructions;
      if (this.hasTooMuch()) {
        const { characters, instructions } = this.expressions;
        this.file.note(
          path,
          `up to here the regular expressions have ${characters} characters and ${instructions} instructions ` +
            `together; the most is ${MAX_EXPRESSIONS.characters} and ${MAX_EXPRESSIONS.instructions}`,
        );
      } else if (condition.warning !== null)
        this.file.warn(path, `${condition.warning}. Met, it means human`);
      return condition;
    } catch (error) {
      if (!(error instanceof ConditionSyntaxError)) throw error;
      this.file.note(path, `${shown(text)} is not CEL: ${error.message}`);
      return null;
    }
  }

  private hasTooMuch(): boolean {
    const { characters, instructions } = this.expressions;
    return characters > MAX_EXPRESSIONS.characters || instructions > MAX_EXPRESSIONS.instructions;
  }

  /** The members of each group, in the form in which names are compared. */
  private groups(given: unknown): Record<string, string[]> {
    if (given === undefined) return {};
    const refuse = (key: Path, detail: string): void => this.file.note(['groups', ...key], detail);
    if (!isObject(given)) {
      refuse([], `${shown(given)} is not an object of lists, such as { seniors: [ana, ben] }`);
      return {};
    }
    const lists = Object.entries(given);
    if (lists.length > 100) refuse([], `has ${lists.length} groups; the most is 100`);
    const groups = lists.slice(0, 100).map(([name, members]): [string, string[]] => {
      const fault = faultOfName(name);
      if (fault !== undefined) refuse([name], fault);
      if (!Array.isArray(members)) {
        refuse([name], 'must be a list');
        return [name, []];
      }
      // One without names has those whom sign-in puts there.
      if (members.length > 1000) {
        refuse([name], `has ${members.length} entries; there may be 0 to 1000`);
        return [name, []];
      }
      const people = members.flatMap((member: unknown, index) => {
        const wrong = faultOfPerson(member);
        if (wrong === undefined) return personName(String(member)) ?? [];
        refuse([name, index], wrong);
        return [];
      });
      if (new Set(people).size < people.length) refuse([name], 'names a person twice; name each once');
      return [name, people];
    });
    return Object.fromEntries(groups);
  }

  /** Noted where it was written: `given` has the author's own keys, `terms` all of them. */
  private checkTerms(terms: Terms, groups: Record<string, string[]>, given: TermsEntry, path: Path): void {
    const has = (key: string): boolean => isGiven(given, key);
    for (const [key, group] of Object.entries({ group: terms.group, escalate_to: terms.escalateTo })) {
      if (group === null) continue;
      const members = Object.hasOwn(groups, group) ? groups[group] : undefined;
      if (!members) {
        if (has(key)) this.file.note([...path, key], `there is no group ${shown(group)}; add it to groups`);
      } else if (members.length > 0 && terms.approvals > members.length && (has(key) || has('approvals'))) {
        this.file.note(
          [...path, has('approvals') ? 'approvals' : key],
          `${terms.approvals} people must approve, but the group ${shown(group)} has ${members.length}`,
        );
      }
    }
    const steps = Object.entries({
      remind_after: terms.remindAfterMs,
      escalate_after: terms.escalateAfterMs,
      deadline: terms.deadlineMs,
    }).filter(([, ms]) => ms !== null);
    steps.forEach(([key, ms], index) => {
      const [before, earlier] = steps[index - 1] ?? [];
      if (before === undefined || Number(earlier) < Number(ms) || !(has(key) || has(before))) return;
      this.file.note([...path, has(key) ? key : before], `${before} must come before ${key}`);
    });
    if (path[0] === 'defaults') return;
    if (has('escalate_to') && terms.escalateTo !== null && terms.escalateAfterMs === null) {
      this.file.warn([...path, 'escalate_to'], 'nothing escalates without escalate_after');
    }
    if (has('on_deadline') && terms.deadlineMs === null) {
      this.file.warn([...path, 'on_deadline'], 'nothing happens without a deadline');
    }
    if (has('deadline_grace') && terms.deadlineMs === null && terms.escalateAfterMs === null) {
      this.file.warn(
        [...path, 'deadline_grace'],
        'there is nothing to put off without deadline or escalate_after',
      );
    }
  }

  private checkOutcome(given: RuleEntry, path: Path): void {
    const { outcome = 'human', shadow = false, sample } = given;
    const refuse = (key: string, why: string): void => {
      if (isGiven(given, key)) this.file.note([...path, key], `${why}; remove it`);
    };
    if (outcome === 'human') {
      refuse('sample', 'goes with approve and reject: a human sees all jobs of this rule');
      refuse('shadow', 'goes with approve and reject: this rule decides nothing');
    }
    if (outcome !== 'reject') refuse('submitter_message', 'goes with reject');
    if (shadow) refuse('sample', 'says nothing beside shadow: a human sees all jobs of this rule');
    if (outcome === 'human' || shadow || sample !== undefined) return;
    for (const key of fieldsOf(TermsEntry)) {
      refuse(key, 'is about reviews, and no human sees a job of this rule without sample or shadow');
    }
  }

  private checkUnique(names: (string | undefined)[], [list, key]: [string, string]): void {
    names.forEach((name, index) => {
      const first = name === undefined ? index : names.indexOf(name);
      if (first < index) this.file.note([list, index, key], `${shown(name)} is taken by /${list}/${first}`);
    });
  }

  private warnOfUnreachable(rules: Rule[]): void {
    const last = rules.findIndex((rule) => !rule.when || rule.when.text.trim() === 'true');
    if (last === -1) return;
    rules.slice(last + 1).forEach((_, index) => {
      this.file.warn(['rules', last + 1 + index], `is never reached: /rules/${last} takes every job`);
    });
  }
}

/** Whether a policy's author has written a key. */
function isGiven(entry: TermsEntry, key: string): boolean {
  return Reflect.get(entry, key) !== undefined;
}
