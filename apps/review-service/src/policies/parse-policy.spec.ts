import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parsePolicy, PolicyError } from './parse-policy';

/** The faults of a policy, as `pointer: detail`. */
const faultsOf = (text: string): string[] => {
  try {
    parsePolicy(text);
  } catch (error) {
    expect(error).toBeInstanceOf(PolicyError);
    return (error as PolicyError).faults.map(({ pointer, detail }) => `${pointer}: ${detail}`);
  }
  return [];
};
const GROUPS = 'groups: { seniors: [ana, ben], juniors: [cleo] }';
const withRule = (rule: string): string => `version: 1\n${GROUPS}\nrules:\n  - { name: r, ${rule} }\n`;
const nobody = {
  approvals: 1,
  fourEyes: false,
  group: null,
  remindAfterMs: null,
  escalateAfterMs: null,
  escalateTo: null,
  deadlineMs: null,
  onDeadline: 'fail',
  deadlineGraceMs: 900_000,
};

describe('a policy', () => {
  it('may say nothing, which leaves everything to one human', () => {
    const policy = parsePolicy('version: 1\nrules: []\n');
    expect(policy).toMatchObject({ groups: {}, rules: [], defaults: nobody, warnings: [] });
    expect(policy.rejectReasons.map(({ code }) => code)).toEqual([
      'incorrect',
      'unsafe',
      'incomplete',
      'off_topic',
      'tone',
      'other',
    ]);
  });

  it('is known by the SHA-256 of its text', () => {
    expect(parsePolicy('version: 1\nrules: []\n').hash).toBe(
      '7f2c43106364d8112fcc3060e4ab8b20f5d1a17d9cbf3c2540529663004adff8',
    );
  });

  it('keeps every key', () => {
    const policy = parsePolicy(`
version: 1
groups: { seniors: [ana, ben], juniors: [cleo, dan] }
reject_reasons: [{ code: wrong, label: It is wrong }]
defaults: { approvals: 2, four_eyes: true, group: juniors, remind_after: 90s, escalate_after: 30m, escalate_to: seniors, deadline: 24h, on_deadline: approve, deadline_grace: 5m }
rules:
  - { name: a.b-c_1, when: model == "m", outcome: reject, sample: 0.25, submitter_message: No., approvals: 1, group: seniors, deadline: 7d, on_deadline: fail, deadline_grace: 0s }
  - { name: mine, outcome: approve, shadow: true, four_eyes: false, remind_after: null, escalate_after: null, escalate_to: null, deadline: null, group: null }
  - { name: usual }
`);
    const usual = {
      approvals: 2,
      fourEyes: true,
      group: 'juniors',
      remindAfterMs: 90_000,
      escalateAfterMs: 1_800_000,
      escalateTo: 'seniors',
      deadlineMs: 86_400_000,
      onDeadline: 'approve',
      deadlineGraceMs: 300_000,
    };
    const rest = { when: null, sample: 0, shadow: false, submitterMessage: null };
    expect(policy.groups).toEqual({ seniors: ['ana', 'ben'], juniors: ['cleo', 'dan'] });
    expect(policy.rejectReasons).toEqual([{ code: 'wrong', label: 'It is wrong' }]);
    expect(policy.defaults).toEqual(usual);
    expect(policy.rules).toEqual([
      {
        ...usual,
        name: 'a.b-c_1',
        when: expect.objectContaining({ text: 'model == "m"' }),
        outcome: 'reject',
        sample: 0.25,
        shadow: false,
        submitterMessage: 'No.',
        approvals: 1,
        group: 'seniors',
        deadlineMs: 604_800_000,
        onDeadline: 'fail',
        deadlineGraceMs: 0,
      },
      {
        ...usual,
        ...rest,
        name: 'mine',
        outcome: 'approve',
        shadow: true,
        ...{ fourEyes: false, remindAfterMs: null, escalateAfterMs: null, escalateTo: null },
        ...{ deadlineMs: null, group: null },
      },
      { ...usual, ...rest, name: 'usual', outcome: 'human' },
    ]);
  });

  it('tells who is in which groups', () => {
    const policy = parsePolicy('version: 1\ngroups: { a: [ana, ben], b: [ana] }\nrules: []');
    expect(policy.groupsOf({ actor: 'ana' })).toEqual(['a', 'b']);
    expect(policy.groupsOf({ actor: 'ben' })).toEqual(['a']);
    expect(policy.groupsOf({ actor: 'constructor' })).toEqual([]);
  });

  it('has groups without names, for those whom sign-in puts there, and counts no more of them than it knows', () => {
    const policy = parsePolicy(
      'version: 1\ngroups: { a: [], b: [ana] }\ndefaults: { group: a, approvals: 3 }\nrules: []',
    );
    expect(policy.groupsOf({ actor: 'ben', groups: ['a', 'c'] })).toEqual(['a']);
    expect(policy.groupsOf({ actor: 'ana', groups: ['a'] })).toEqual(['a', 'b']);
  });

  it('is refused with all of its faults, each with its place, line and remedy', () => {
    expect(
      faultsOf(`version: 2
grups: {}
groups: { Seniors: [ana, ana], numbers: [7] }
defaults: { approvals: 11, deadline: 24 }
rules:
  - name: first
    when: model ==
  - { name: first, outcome: maybe, sample: 2 }
  - { outcome: human, "a/b": 1 }
`),
    ).toEqual([
      '/version: 2 is not 1 (line 1)',
      '/grups: there is no such key; known are version, groups, reject_reasons, defaults, rules (line 2)',
      '/groups/Seniors: "Seniors" is no name: take 1 to 100 of a-z, 0-9, "-", "_" and "." (line 3)',
      '/groups/Seniors: names a person twice; name each once (line 3)',
      "/groups/numbers/0: 7 is no person's name: take 1 to 128 characters without control characters, none of worker, desk and policy:…, and put numbers in quotes (line 3)",
      '/defaults/approvals: 11 is not a whole number from 1 to 10 (line 4)',
      '/defaults/deadline: 24 is no time from 1s to 365d, such as 90s, 30m, 24h or 7d (line 4)',
      '/rules/0/when: "model ==" is not CEL: Unexpected token: EOF at character 9 (line 7)',
      '/rules/1/name: "first" is taken by /rules/0 (line 8)',
      '/rules/1/outcome: "maybe" is not one of human, approve, reject (line 8)',
      '/rules/1/sample: 2 is not a share from 0 to 1, such as 0.05 (line 8)',
      expect.stringMatching(/^\/rules\/2\/a~1b: there is no such key; known are name, .* \(line 9\)$/),
      '/rules/2/name: is missing (line 9)',
    ]);
  });

  it.each([
    ['outcome: human, sample: 0.1', '/rules/0/sample: goes with approve and reject'],
    ['shadow: true', '/rules/0/shadow: goes with approve and reject'],
    ['outcome: approve, submitter_message: No', '/rules/0/submitter_message: goes with reject'],
    ['outcome: approve, shadow: true, sample: 0.1', '/rules/0/sample: says nothing beside shadow'],
    ['outcome: approve, approvals: 2', '/rules/0/approvals: is about reviews'],
    ['outcome: reject, on_deadline: approve', '/rules/0/on_deadline: is about reviews'],
    ['group: nobody', '/rules/0/group: there is no group "nobody"'],
    ['group: constructor', '/rules/0/group: there is no group "constructor"'],
    ['escalate_after: 1h, escalate_to: nobody', '/rules/0/escalate_to: there is no group "nobody"'],
    [
      'group: juniors, approvals: 2',
      '/rules/0/approvals: 2 people must approve, but the group "juniors" has 1',
    ],
    ['escalate_after: 1h, escalate_to: juniors, approvals: 2', '/rules/0/approvals: 2 people must approve'],
    ['remind_after: 2h, escalate_after: 1h', '/rules/0/escalate_after: remind_after must come before'],
    ['remind_after: 1h, deadline: 1h', '/rules/0/deadline: remind_after must come before deadline'],
    ['escalate_after: 2d, deadline: 24h', '/rules/0/deadline: escalate_after must come before deadline'],
    ['remind_after: 1.5h', '/rules/0/remind_after: "1.5h" is no time'],
    ['remind_after: 0s', '/rules/0/remind_after: "0s" is no time'],
    ['deadline: 366d', '/rules/0/deadline: "366d" is no time'],
    ['when: 7', '/rules/0/when: 7 is not a text'],
    [`when: "${'x'.repeat(10_001)}"`, '/rules/0/when: "xxx'],
    ['when: payload.text.matches("(")', '/rules/0/when: "payload.text.matches(\\"(\\")" is not CEL'],
    [`when: '${'('.repeat(300)}true'`, '/rules/0/when: '],
    ['four_eyes: 1', '/rules/0/four_eyes: 1 is neither true nor false'],
    ['approvals: null', '/rules/0/approvals: null is not a whole number'],
  ])('is refused for a rule with %s', (rule, fault) => {
    const faults = faultsOf(withRule(rule));
    expect(faults[0]).toContain(fault);
    expect(faults[0]!.length).toBeLessThan(400);
  });

  it('is refused where a default breaks what a rule says, and the rule is named', () => {
    const text = `version: 1\ndefaults: { remind_after: 1h }\nrules: [{ name: quick, deadline: 30m }]`;
    expect(faultsOf(text)).toEqual(['/rules/0/deadline: remind_after must come before deadline (line 3)']);
  });

  it.each([
    ['no YAML', 'rules: [', 'line 1 is not YAML'],
    ['a key that is there twice', 'version: 1\nversion: 1\nrules: []', 'line 2 is not YAML (DUPLICATE_KEY)'],
    ['nothing', '', 'must be an object with the keys version'],
    ['a list', '[]', 'must be an object with the keys version'],
    ['an alias of nothing', 'version: 1\nrules: *x', 'write it out'],
    ['two documents', 'version: 1\nrules: []\n---\nversion: 1', 'not YAML'],
    ['an alias in itself', 'version: &x [*x]\nrules: []', '/version: a list is not 1'],
    ['a bomb of aliases', `a: &a [1]\n${bomb(9)}version: 1\nrules: []`, 'write it out'],
    ['a deep nest', '['.repeat(20_000), 'nested too deep'],
    ['a MiB of a nest', '['.repeat(1_048_576), 'nested too deep'],
    ['a nest of lists in one line', '- '.repeat(1000), 'nested too deep'],
    [
      'a nest by indentation',
      Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
      'nested too deep',
    ],
    ['over a MiB', `# ${'x'.repeat(1_048_576)}`, 'the most is 1048576'],
    ['201 rules', `version: 1\nrules:\n${rules(201)}`, 'has 201 entries; there may be 0 to 200'],
    ['keys without end', Array.from({ length: 60_000 }, (_, i) => `k${i}: 1\n`).join(''), 'too many keys'],
    [
      'keys without end in one line',
      `{${Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join()}}`,
      'too many keys',
    ],
    [
      'regular expressions without end',
      expressions(20, '\\\\pL'.repeat(1900)),
      'the regular expressions have',
    ],
    [
      'regular expressions of many instructions',
      expressions(20, '[^a]{1000}'.repeat(100)),
      'the regular expressions have',
    ],
  ])('is refused at once, by counting, when it is %s', (_what, text, detail) => {
    const before = process.cpuUsage();
    const faults = faultsOf(text);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(4000);
    expect(faults.join('\n')).toContain(detail);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.length).toBeLessThanOrEqual(100);
  });

  it('is taken within its limits, whatever the machine does meanwhile', () => {
    const condition = Array(180).fill('payload.field == "a text of some length"').join(' || ');
    const many = Array.from({ length: 100 }, (_, i) => `  - { name: r${i}, when: '${condition}' }\n`).join(
      '',
    );
    const people = Array.from({ length: 1000 }, (_, i) => `p${i}`).join();
    const groups = Array.from({ length: 40 }, (_, i) => `  g${i}: [${people}]\n`).join('');
    const text = `version: 1\ngroups:\n${groups}rules:\n${many}`;
    expect(Buffer.byteLength(text)).toBeGreaterThan(900_000);
    expect(parsePolicy(text).rules).toHaveLength(100);
  });

  it('may have 200 rules', () => {
    expect(parsePolicy(`version: 1\nrules:\n${rules(200)}`).rules).toHaveLength(200);
  });

  it.each([
    [
      'when: mdoel == "m"',
      '/rules/0/when: Unknown variable: mdoel at character 1. Met, it means human (line 4)',
    ],
    ['when: payload.t.matchs("m")', /no matching overload for 'dyn.matchs\(string\)'/],
    ['when: model.matches(7)', /no matching overload for 'string.matches\(int\)'/],
    ['when: model == 5', /no such overload: string == int/],
    ['when: size(payload)', /neither true nor false but int/],
    ['escalate_to: seniors', /nothing escalates without escalate_after/],
    ['on_deadline: approve', /nothing happens without a deadline/],
    ['deadline_grace: 1m', /there is nothing to put off without deadline or escalate_after/],
  ])('with %s is taken, with a warning', (rule, warning) => {
    const { warnings } = parsePolicy(withRule(rule));
    expect(warnings.map(({ pointer, detail }) => `${pointer}: ${detail}`)).toEqual([
      typeof warning === 'string' ? warning : expect.stringMatching(warning),
    ]);
  });

  it('warns of rules that are never reached', () => {
    const { warnings } = parsePolicy('version: 1\nrules: [{ name: a }, { name: b }, { name: c }]');
    expect(warnings.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual([
      '/rules/1 is never reached: /rules/0 takes every job (line 2)',
      '/rules/2 is never reached: /rules/0 takes every job (line 2)',
    ]);
  });
});

describe('docs/policy.example.yaml', () => {
  it('is a policy without a fault or a warning', () => {
    const policy = parsePolicy(readFileSync('docs/policy.example.yaml', 'utf8'));
    expect(policy.rules.length).toBeGreaterThan(3);
    expect(policy.warnings).toEqual([]);
  });
});

function bomb(levels: number): string {
  return Array.from({ length: levels }, (_, i) => {
    const [here, before] = ['abcdefghijk'[i + 1], 'abcdefghijk'[i]];
    return `${here}: &${here} [${Array(9).fill(`*${before}`).join(', ')}]\n`;
  }).join('');
}

function expressions(count: number, expression: string): string {
  const one = (i: number): string => `  - { name: r${i}, when: 'model.matches("${expression}")' }\n`;
  return `version: 1\nrules:\n${Array.from({ length: count }, (_, i) => one(i)).join('')}`;
}

function rules(count: number): string {
  return Array.from({ length: count }, (_, i) => `  - { name: r${i}, when: model == "m${i}" }\n`).join('');
}
