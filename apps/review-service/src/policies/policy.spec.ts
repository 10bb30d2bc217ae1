import { describe, expect, it } from '@jest/globals';
import type { Json } from '@hitl/domain';
import { v7 as uuidv7 } from 'uuid';
import type { Facts } from './condition';
import { parsePolicy } from './parse-policy';
import type { Ruling } from './policy';

const JOB = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';
const FACTS: Facts = {
  payload: { n: 5, f: 4.6, text: 'hello', list: [1, 2, 3], i: 1, none: null, deep: { a: [{ b: true }] } },
  response: { choices: [{ message: { content: 'four' } }] },
  metadata: { customer: '4711' },
  usage: { prompt_tokens: 900, completion_tokens: 300, total_tokens: 1200 },
  model: 'small',
  project: 'default',
};
/** A policy of these rules, in YAML's short form. */
const policyOf = (...rules: string[]) =>
  parsePolicy(`version: 1\nrules:\n${rules.map((rule) => `  - { ${rule} }\n`).join('')}`);
const judge = (rules: string[], facts: Partial<Facts> = {}, jobId = JOB): Ruling =>
  policyOf(...rules).evaluate({ ...FACTS, ...facts, jobId });
/** What came of a condition: true, false, or the kind of its error. */
const answer = (when: string, facts: Partial<Facts> = {}): boolean | string => {
  const judgement = judge([`name: r, outcome: approve, when: ${JSON.stringify(when)}`], facts);
  if ('decide' in judgement) return true;
  return judgement.plan.because?.replace('rule r: ', '') ?? false;
};

describe('a condition', () => {
  it.each([
    'payload.n == 5',
    '5 == payload.n',
    'payload.n == 5.0',
    'payload.n > 4.5',
    'payload.n >= 5 && payload.n < 6',
    'payload.f > 4',
    'payload.n + 1 == 6',
    '1 + payload.n == 6.0',
    'payload.n * 2 - 1 == 9',
    'payload.n / 2 == 2.5',
    'payload.n % 2 == 1',
    'payload.f * 2 > 9.1',
    'payload.n in [1, 5]',
    'payload.list == [1, 2, 3]',
    'payload.list[payload.i] == 2',
    'payload.list[0] == 1',
    'payload["n"] == 5',
    'int(payload.n) == 5',
    'usage.total_tokens > 1000',
    'size(response.choices) == 1',
    'size(payload.text) == 5',
    'response.choices[0].message.content == "four"',
    'payload.list.exists(x, x == 2) && payload.list.all(x, x > 0)',
    'payload.list.map(x, x * 2) == [2, 4, 6]',
    'payload.list.filter(x, x > 1).size() == 2',
    'payload.deep.a[0].b',
    'has(payload.n) && !has(payload.gone)',
    'metadata.customer == "4711" && "customer" in metadata',
    'model == "small" && project == "default"',
    'payload.none == null',
    'payload.text.startsWith("he") && payload.text.contains("ll")',
    'payload.text.matches("l+o$") && matches(payload.text, "^h")',
    '!payload.text.matches("^ell")',
    '!has(payload.gone) || payload.gone == 1',
  ])('%s holds', (when) => expect(answer(when)).toBe(true));

  it.each(['payload.n == "5"', 'payload.text == 5', 'payload.none == "x"', 'payload.n != 5', 'model == "m"'])(
    '%s does not hold',
    (when) => expect(answer(when)).toBe(false),
  );

  it.each([
    ['payload.gone == 1', 'missing field'],
    ['payload.deep.gone.b', 'missing field'],
    ['metadata.gone == "x"', 'missing field'],
    ['payload.list[3] == 1', 'index out of bounds'],
    ['payload.text > 5', 'wrong type'],
    ['payload.text + 1 == 6', 'wrong type'],
    ['size(payload.n) == 1', 'wrong type or unknown function'],
    ['payload.text', 'neither true nor false'],
    ['1', 'neither true nor false'],
    ['mdoel == "small"', 'unknown name'],
    ['sizeof(payload) == 1', 'wrong type or unknown function'],
    ['1 / 0 == 1', 'division by zero'],
    ['payload.text.matches(payload.text + "(")', 'invalid regular expression'],
  ])('%s is an error: %s', (when, kind) => expect(answer(when)).toBe(kind));

  it('meets no usage and no model as empty', () => {
    const nothing = { usage: null, model: null };
    expect(answer('model == "" && !has(usage.total_tokens)', nothing)).toBe(true);
    expect(answer('usage.total_tokens > 1000', nothing)).toBe('missing field');
  });

  it.each<Json>([null, true, 7, 'text', [], [null]])('meets any JSON, such as %j', (payload) => {
    expect(answer('payload == response', { payload, response: payload })).toBe(true);
  });

  it.each<[string, Json]>([
    ['its own constructor', JSON.parse('{"constructor": {"name": "Map"}, "n": 1}') as Json],
    ['a prototype', JSON.parse('{"__proto__": {"n": 1}}') as Json],
  ])('is an error on an object with %s', (_what, payload) => {
    expect(answer('payload.n == 1', { payload })).not.toBe(true);
  });
});

describe('the rules', () => {
  it('are asked in order, and the first that matches decides', () => {
    expect(
      judge([
        'name: no, when: model == "m", outcome: reject',
        'name: yes, when: payload.n == 5, outcome: reject, submitter_message: Never.',
        'name: late, outcome: approve',
      ]),
    ).toEqual({ decide: { verdict: 'reject', rule: 'yes', submitterMessage: 'Never.' } });
  });

  it('leave a job that none takes to the defaults', () => {
    const policy = parsePolicy('version: 1\ndefaults: { approvals: 2, deadline: 1h }\nrules: []');
    expect(policy.evaluate({ ...FACTS, jobId: JOB })).toEqual({
      plan: {
        rule: null,
        approvals: 2,
        fourEyes: false,
        group: null,
        remindAfterMs: null,
        escalateAfterMs: null,
        escalateTo: null,
        deadlineMs: 3_600_000,
        onDeadline: 'fail',
        deadlineGraceMs: 900_000,
        because: null,
      },
      shadow: null,
    });
  });

  it('only record the verdict of a shadow rule, and a human reviews by its terms', () => {
    expect(judge(['name: quiet, outcome: reject, shadow: true, approvals: 3'])).toMatchObject({
      plan: { rule: 'quiet', approvals: 3, because: null },
      shadow: { verdict: 'reject', rule: 'quiet' },
    });
  });

  it('never decide by themselves once one has failed: the next that asks for humans says for which', () => {
    const rules = [
      'name: broken, when: payload.gone == 1, outcome: approve, sample: 0',
      'name: easy, outcome: approve',
      'name: quiet, outcome: approve, shadow: true',
      'name: people, when: payload.n == 5, approvals: 2',
      'name: later, approvals: 5',
    ];
    expect(judge(rules)).toMatchObject({
      plan: { rule: 'people', approvals: 2, because: 'rule broken: missing field' },
      shadow: null,
    });
    expect(judge(rules.slice(0, 3))).toMatchObject({
      plan: { rule: null, approvals: 1, because: 'rule broken: missing field' },
      shadow: null,
    });
  });

  it('count one that fails as matched when it asks for humans', () => {
    expect(
      judge(['name: broken, when: payload.gone == 1, approvals: 4', 'name: yes, outcome: approve']),
    ).toEqual({
      plan: expect.objectContaining({ rule: 'broken', approvals: 4, because: 'rule broken: missing field' }),
      shadow: null,
    });
  });

  it('never tell what a job holds when they fail', () => {
    const secret = 'Zaphod';
    const facts = { payload: { text: secret, [secret]: secret } };
    for (const when of [
      'bool(payload.text)',
      'payload[payload.text + "x"] == 1',
      'duration(payload.text) == 1',
    ]) {
      const told = JSON.stringify(judge([`name: r, outcome: approve, when: ${JSON.stringify(when)}`], facts));
      expect(told).toContain('"because":"rule r: ');
      expect(told).not.toContain(secret);
    }
  });
});

describe('a sample', () => {
  const ids = Array.from({ length: 10_000 }, () => uuidv7());
  const few = ids.slice(0, 1000);
  const seen = (share: number, among = ids, name = 'r'): string[] => {
    const policy = policyOf(`name: ${name}, outcome: approve, sample: ${share}, approvals: 2`);
    return among.filter((jobId) => {
      const judgement = policy.evaluate({ ...FACTS, jobId });
      if ('plan' in judgement)
        expect(judgement.plan).toMatchObject({ rule: name, approvals: 2, because: null });
      return 'plan' in judgement;
    });
  };

  it.each([0.01, 0.05, 0.5])(
    'of %d is that share of 10,000 jobs, within five standard deviations',
    (share) => {
      expect(Math.abs(seen(share).length / ids.length - share)).toBeLessThan(
        5 * Math.sqrt((share * (1 - share)) / ids.length),
      );
    },
  );

  it('of 0 is nobody, and of 1 everybody', () => {
    expect([seen(0, few).length, seen(1, few).length]).toEqual([0, few.length]);
  });

  it('is the same for the same job, and another for another rule', () => {
    const first = seen(0.1, few);
    expect(seen(0.1, few)).toEqual(first);
    const both = new Set(first);
    expect(seen(0.1, few, 'other').filter((id) => both.has(id)).length).toBeLessThan(first.length / 2);
  });
});

describe('a hostile rule or job', () => {
  const list = Array.from({ length: 10_000 }, (_, i) => i);
  const loop = 'payload.list.all(x, payload.list.all(y, x + y >= 0))';
  const doubled = (levels: number): string =>
    Array.from({ length: levels }, (_, i) => `cel.bind(t${i + 1}, t${i} + t${i}, `).join('') +
    `size(t${levels}) > 0` +
    ')'.repeat(levels);

  const within = <T>(work: () => T): T => {
    const [start, before] = [performance.now(), process.memoryUsage().rss];
    const result = work();
    expect(performance.now() - start).toBeLessThan(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
    return result;
  };

  it.each([
    ['loops over a huge list', loop, { list }, 'the rules took longer than 100 ms'],
    [
      'loops in a left side whose error would not matter',
      `${loop} || true`,
      { list },
      'the rules took longer',
    ],
    ['doubles a text', `cel.bind(t0, payload.text, ${doubled(28)})`, { text: 'x' }, /too large|longer/],
    ['doubles a list', `cel.bind(t0, payload.list, ${doubled(28)})`, { list }, /too large|longer/],
    [
      'joins a huge text',
      'payload.list.map(x, payload.text).join(payload.text).size() > 0',
      { list, text: 'x'.repeat(100_000) },
      /too large|longer/,
    ],
    ...['contains(payload.part)', 'indexOf(payload.part) > 0', 'lastIndexOf(payload.part) > 0'].map(
      (search): [string, string, { text: string; part: string }, string] => [
        `searches a long text for another: ${search}`,
        `payload.text.${search} || dyn(payload.text).${search}`,
        { text: 'a'.repeat(2_000_000), part: `b${'a'.repeat(1_000_000)}` },
        'text search too long',
      ],
    ),
    [
      'splits a long text by another',
      'payload.text.split(payload.part).size() > 1',
      { text: 'a'.repeat(2_000_000), part: `b${'a'.repeat(1_000_000)}` },
      'text search too long',
    ],
    ['goes deep', `${'('.repeat(50)}payload.gone${')'.repeat(50)}`, {}, 'missing field'],
  ])('%s: it ends within a bound and means human', (_what, when, payload, because) => {
    const policy = policyOf(
      `name: r, outcome: approve, when: ${JSON.stringify(when)}`,
      'name: two, when: "false", approvals: 2, four_eyes: true, deadline: 1h, on_deadline: approve',
    );
    const judgement = within(() => policy.evaluate({ ...FACTS, payload, jobId: JOB }));
    expect(judgement).toMatchObject({ shadow: null });
    expect('plan' in judgement && judgement.plan.because).toMatch(because);
    if (String(because).startsWith('the rules')) {
      expect(judgement).toMatchObject({
        plan: { rule: null, approvals: 2, fourEyes: true, deadlineMs: 3_600_000, onDeadline: 'fail' },
      });
    }
  });

  it('matches a catastrophic regular expression in linear time', () => {
    const payload = { text: `${'a'.repeat(2000)}b` };
    expect(within(() => answer('payload.text.matches("^(a+)+$")', { payload }))).toBe(false);
    expect(within(() => answer('dyn(payload.text).matches("^(a|a)*$")', { payload }))).toBe(false);
    expect(
      within(() =>
        answer('payload.list.exists(x, x.matches("^(a+)+$"))', { payload: { list: [payload.text] } }),
      ),
    ).toBe(false);
  });

  it('leaves the rules as they were for the next job', () => {
    const policy = policyOf(`name: r, outcome: approve, when: ${JSON.stringify(loop)}`);
    for (let round = 0; round < 3; round += 1) {
      expect(policy.evaluate({ ...FACTS, payload: { list }, jobId: JOB })).toHaveProperty('plan');
      expect(policy.evaluate({ ...FACTS, payload: { list: [1, 2] }, jobId: JOB })).toHaveProperty('decide');
      expect(policy.evaluate({ ...FACTS, payload: { list: [-9] }, jobId: JOB })).toMatchObject({
        plan: { because: null },
      });
    }
  });
});
