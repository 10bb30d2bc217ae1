import { UNIONS, type FieldFault } from '@hitl/domain';
import { Condition, ConditionSyntaxError, MAX_CONDITION_LENGTH } from './condition';
import { Policy, type RejectReason, type Terms } from './policy';
import { NO_TERMS, TERM_KEYS, toRule, toTerms, type GivenRule, type GivenTerms } from './policy-terms';
import { show, YamlLimitError, YamlReader, type Path, type Read } from './yaml-reader';

/** Largest policy, in bytes. */
export const MAX_POLICY = 1_048_576;
const MAX_RULES = 200;
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
 * Reads a policy (YAML; docs/policies.md). What is too much is told by counting, never by a clock: the same policy is
 * taken or refused on any machine, however busy.
 * @throws PolicyError
 */
export function parsePolicy(text: string): Policy {
  const size = Buffer.byteLength(text);
  if (size > MAX_POLICY) throw refusal(`it has ${size} bytes; the most is ${MAX_POLICY}`);
  try {
    return new PolicyReader(text).policy();
  } catch (error) {
    if (error instanceof YamlLimitError) throw refusal(error.message);
    // Of a value within itself.
    if (error instanceof RangeError || error instanceof TypeError) {
      throw refusal('it is nested too deep, or an alias contains itself; write it out');
    }
    throw error;
  }
}

function refusal(detail: string): PolicyError {
  return new PolicyError([{ pointer: '', detail }]);
}

/** Reads one policy. */
class PolicyReader extends YamlReader {
  private readonly expressions = { characters: 0, instructions: 0 };

  constructor(private readonly text: string) {
    super(text);
  }

  /** @throws PolicyError */
  policy(): Policy {
    const plain = this.content();
    const content = this.faults.length > 0 ? undefined : this.read()(plain, []);
    const { groups = {}, defaults = {}, rules = [], reject_reasons: reasons = [] } = content ?? {};
    const usual = toTerms(defaults, NO_TERMS);
    this.checkTerms(usual, groups, defaults, ['defaults']);
    rules.forEach((rule, index) => {
      if (!rule) return;
      const path = ['rules', index];
      this.checkTerms(toTerms(rule, usual), groups, rule, path);
      this.checkOutcome(rule, path);
    });
    this.checkUnique(
      rules.map((rule) => rule?.name),
      ['rules', 'name'],
    );
    this.checkUnique(
      reasons.map((reason) => reason?.code),
      ['reject_reasons', 'code'],
    );
    this.warnOfUnreachable(rules);
    if (this.faults.length > 0) throw new PolicyError(this.faults);
    return new Policy({
      text: this.text,
      groups,
      rejectReasons: content?.reject_reasons ? (reasons as RejectReason[]) : REJECT_REASONS,
      defaults: usual,
      letsSubmittersDecide: defaults.four_eyes === false,
      rules: rules.map((rule) => toRule(rule as GivenRule, usual)),
      warnings: this.warnings,
    });
  }

  private read() {
    const terms = {
      approvals: this.whole(1, 10),
      four_eyes: this.flag,
      group: this.orNone(this.name),
      remind_after: this.orNone(this.time),
      escalate_after: this.orNone(this.time),
      escalate_to: this.orNone(this.name),
      deadline: this.orNone(this.time),
      on_deadline: this.oneOf(...UNIONS.OnDeadline),
      deadline_grace: this.timeOrZero,
    };
    const rule = {
      name: this.name,
      when: this.condition,
      outcome: this.oneOf(...UNIONS.PolicyOutcome),
      sample: this.share,
      shadow: this.flag,
      submitter_message: this.shortText(1000),
      ...terms,
    };
    const reason = { code: this.name, label: this.shortText(200) };
    return this.object(
      {
        version: this.oneOf(1),
        groups: this.groups,
        reject_reasons: this.list(this.object(reason, ['code', 'label']), 1, 100),
        defaults: this.object(terms),
        rules: this.list(this.object(rule, ['name']), 0, MAX_RULES),
      },
      ['version', 'rules'],
    );
  }

  private readonly condition: Read<Condition> = (value, path) => {
    // YAML reads a bare true as a boolean; CEL has it, too.
    const text = typeof value === 'boolean' ? String(value) : value;
    if (typeof text !== 'string' || text.length > MAX_CONDITION_LENGTH) {
      return this.note(path, `${show(value)} is not a text of at most ${MAX_CONDITION_LENGTH} characters`);
    }
    const most = MAX_EXPRESSIONS;
    const isTooMuch = (): boolean =>
      this.expressions.characters > most.characters || this.expressions.instructions > most.instructions;
    // What comes after too much is not even read.
    if (isTooMuch()) return undefined;
    try {
      const condition = new Condition(text);
      this.expressions.characters += condition.expressions.characters;
      this.expressions.instructions += condition.expressions.instructions;
      if (isTooMuch()) {
        const { characters, instructions } = this.expressions;
        return this.note(
          path,
          `up to here the regular expressions have ${characters} characters and ${instructions} instructions ` +
            `together; the most is ${most.characters} and ${most.instructions}`,
        );
      }
      if (condition.warning !== null) this.warn(path, `${condition.warning}. Met, it means human`);
      return condition;
    } catch (error) {
      if (!(error instanceof ConditionSyntaxError)) throw error;
      return this.note(path, `${show(text)} is not CEL: ${error.message}`);
    }
  };

  private readonly groups: Read<Record<string, string[]>> = (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.note(path, `${show(value)} is not an object of lists, such as { seniors: [ana, ben] }`);
    }
    const entries = Object.entries(value);
    if (entries.length > 100) return this.note(path, `has ${entries.length} groups; the most is 100`);
    // One without names has those whom sign-in gives it.
    const members = this.list(this.person, 0, 1000);
    const groups = entries.map(([name, list]): [string, string[]] => {
      const at = [...path, name];
      this.name(name, at);
      const people = (members(list, at) ?? []).filter((person) => person !== undefined);
      if (new Set(people).size < people.length) this.note(at, 'names a person twice; name each once');
      return [name, people];
    });
    return Object.fromEntries(groups);
  };

  /** What no key shows alone. Noted where it was written: `given` has the author's own keys, `terms` all of them. */
  private checkTerms(terms: Terms, groups: Record<string, string[]>, given: GivenTerms, path: Path): void {
    const has = (key: string): boolean => Object.hasOwn(given, key);
    for (const [key, group] of Object.entries({ group: terms.group, escalate_to: terms.escalateTo })) {
      if (group === null) continue;
      const members = Object.hasOwn(groups, group) ? groups[group] : undefined;
      if (!members) {
        if (has(key)) this.note([...path, key], `there is no group ${show(group)}; add it to groups`);
      } else if (members.length > 0 && terms.approvals > members.length && (has(key) || has('approvals'))) {
        this.note(
          [...path, has('approvals') ? 'approvals' : key],
          `${terms.approvals} people must approve, but the group ${show(group)} has ${members.length}`,
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
      this.note([...path, has(key) ? key : before], `${before} must come before ${key}`);
    });
    if (path[0] === 'defaults') return;
    if (has('escalate_to') && terms.escalateTo !== null && terms.escalateAfterMs === null) {
      this.warn([...path, 'escalate_to'], 'nothing escalates without escalate_after');
    }
    if (has('on_deadline') && terms.deadlineMs === null) {
      this.warn([...path, 'on_deadline'], 'nothing happens without a deadline');
    }
    if (has('deadline_grace') && terms.deadlineMs === null && terms.escalateAfterMs === null) {
      this.warn(
        [...path, 'deadline_grace'],
        'there is nothing to put off without deadline or escalate_after',
      );
    }
  }

  private checkOutcome(given: GivenRule, path: Path): void {
    const { outcome = 'human', shadow = false, sample } = given;
    // There is a fault already.
    if (Object.hasOwn(given, 'outcome') && given.outcome === undefined) return;
    const refuse = (key: string, why: string): void => {
      if (Object.hasOwn(given, key)) this.note([...path, key], `${why}; remove it`);
    };
    if (outcome === 'human') {
      refuse('sample', 'goes with approve and reject: a human sees all jobs of this rule');
      refuse('shadow', 'goes with approve and reject: this rule decides nothing');
    }
    if (outcome !== 'reject') refuse('submitter_message', 'goes with reject');
    if (shadow) refuse('sample', 'says nothing beside shadow: a human sees all jobs of this rule');
    if (outcome === 'human' || shadow || sample !== undefined) return;
    for (const key of TERM_KEYS) {
      refuse(key, 'is about reviews, and no human sees a job of this rule without sample or shadow');
    }
  }

  private checkUnique(names: (string | undefined)[], [list, key]: [string, string]): void {
    names.forEach((name, index) => {
      const first = name === undefined ? index : names.indexOf(name);
      if (first < index) this.note([list, index, key], `${show(name)} is taken by /${list}/${first}`);
    });
  }

  private warnOfUnreachable(rules: (GivenRule | undefined)[]): void {
    const last = rules.findIndex((rule) => rule && (!rule.when || rule.when.text.trim() === 'true'));
    if (last === -1) return;
    rules.slice(last + 1).forEach((_, index) => {
      this.warn(['rules', last + 1 + index], `is never reached: /rules/${last} takes every job`);
    });
  }
}
