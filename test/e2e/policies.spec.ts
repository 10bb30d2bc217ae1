import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createTestDatabase,
  runService,
  startStack,
  testAmqpUrl,
  until,
  type Stack,
} from '@hitl/testing';

const folder = mkdtempSync(join(tmpdir(), 'hitl-policies-'));
const file = join(folder, 'policy.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

const IN_FORCE = 'version: 1\ngroups: { seniors: [ana, ben] }\nrules: []\n';
const EXAMPLE = readFileSync('docs/policy.example.yaml', 'utf8');

describe('policies', () => {
  let stack: Stack;
  let ids: string[];

  beforeAll(async () => {
    writeFileSync(file, IN_FORCE);
    stack = await startStack('services', { REVIEW_POLICY_FILE: file });
    ids = [];
    for (const model of ['small', 'large', 'odd', 'small']) {
      const { id } = await stack.submit({ model, messages: [{ role: 'user', content: 'hi' }] });
      await stack.reaches(id, 'human');
      ids.push(id);
    }
    await until('decided', async () => (await stack.decide(ids[0]!, { verdict: 'approve' })).status === 200);
    const edit = { verdict: 'edit', response: 'by a human' };
    await until('edited', async () => (await stack.decide(ids[1]!, edit)).status === 200);
  });
  afterAll(() => stack.stop());

  const current = async () => (await stack.http.get('/v1/policies/current')).body;
  const dryRun = (body: unknown) => stack.http.post('/v1/policies/dry-run', body);

  it('the one in force can be read, follows its file, and says when that is broken', async () => {
    expect(await current()).toMatchObject({
      configured: true,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      error: null,
      text: IN_FORCE,
      groups: { seniors: ['ana', 'ben'] },
      rules: [],
    });
    writeFileSync(file, EXAMPLE);
    const { rules, reject_reasons: reasons } = await until('the new one', async () => {
      const policy = await current();
      return policy.text === EXAMPLE && policy;
    });
    expect(reasons).toHaveLength(3);
    expect(rules.find(({ name }: { name: string }) => name === 'payments')).toEqual({
      name: 'payments',
      when: expect.stringContaining('iban'),
      outcome: 'human',
      sample: 0,
      shadow: false,
      submitter_message: null,
      approvals: 2,
      four_eyes: true,
      group: 'seniors',
      remind_after_ms: 1_800_000,
      escalate_after_ms: 7_200_000,
      escalate_to: 'seniors',
      deadline_ms: 259_200_000,
      on_deadline: 'fail',
      deadline_grace_ms: 900_000,
    });
    writeFileSync(file, 'rules: {}');
    const broken = await until('the fault', async () => {
      const policy = await current();
      return policy.error !== null && policy;
    });
    expect(broken).toMatchObject({
      text: EXAMPLE,
      error: expect.stringContaining('/rules: must be a list'),
    });
    const owner = stack.processes.at(-1)!;
    expect((await createClient(owner.url).get('/metrics')).text).toMatch(/^hitl_policy_reload_ok 0$/m);
    const told = () => owner.logs.filter((line) => line.includes('the policy before it stays in force'));
    await until('the log says so', () => told().length > 0);
    expect(told()).toHaveLength(1);
  });

  it('another one can be tried on the newest answers, which changes nothing', async () => {
    const policy = `
version: 1
groups: { seniors: [ana, ben] }
rules:
  - { name: small, when: model == "small" && size(response.choices) == 1, outcome: approve }
  - { name: large, when: 'model == "large" && response.choices[0].message.content != ""', group: seniors, approvals: 2 }
  - { name: typo, when: mdoel == "odd" }
`;
    const before = await stack.http.get('/v1/jobs');
    const { status, body } = await dryRun({ policy });
    expect(status).toBe(200);
    const after = { outcome: 'human', approvals: 1, group: null, ends: null };
    expect(body).toEqual({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      warnings: [{ pointer: '/rules/2/when', detail: expect.stringContaining('Unknown variable: mdoel') }],
      jobs: 4,
      outcomes: { approve: 2, reject: 0, human: 2 },
      by_rule: [
        { rule: 'small', jobs: 2 },
        { rule: 'large', jobs: 1 },
        { rule: 'typo', jobs: 1 },
        { rule: null, jobs: 0 },
      ],
      stopped_early: false,
      changes: [
        {
          job_id: ids[3],
          before: { outcome: 'human', rule: null, final_verdict: null },
          after: {
            outcome: 'approve',
            rule: 'small',
            approvals: null,
            group: null,
            because: null,
            ends: null,
          },
        },
        {
          job_id: ids[2],
          before: { outcome: 'human', rule: null, final_verdict: null },
          after: { ...after, rule: 'typo', because: 'rule typo: unknown name' },
        },
        {
          // Judged by what the model had answered, not by the edit.
          job_id: ids[1],
          before: { outcome: 'human', rule: null, final_verdict: 'edit' },
          after: {
            outcome: 'human',
            rule: 'large',
            approvals: 2,
            group: 'seniors',
            because: null,
            ends: null,
          },
        },
        {
          job_id: ids[0],
          before: { outcome: 'human', rule: null, final_verdict: 'approve' },
          after: {
            outcome: 'approve',
            rule: 'small',
            approvals: null,
            group: null,
            because: null,
            ends: null,
          },
        },
      ],
    });
    expect(await stack.http.get('/v1/jobs')).toEqual({ ...before, headers: expect.anything() });
    expect((await dryRun({ policy, last: 1 })).body).toMatchObject({
      jobs: 1,
      changes: [{ job_id: ids[3] }],
    });
    expect((await dryRun({ policy: 'version: 1\nrules: []', last: null })).body).toMatchObject({
      outcomes: { human: 4 },
      changes: [],
    });
  });

  it('one with faults is refused with all of them', async () => {
    const { status, body } = await dryRun({
      policy: 'version: 1\nrules: [{ name: x, when: "1 +", nope: 1 }]',
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_policy' });
    expect(body.errors).toEqual([
      { pointer: '/rules/0/when', detail: expect.stringContaining('is not CEL') },
      { pointer: '/rules/0/nope', detail: expect.stringContaining('there is no such key') },
    ]);
  });

  it.each([
    [{}, '/policy'],
    [{ policy: 7 }, '/policy'],
    [{ policy: '' }, '/policy'],
    [{ policy: 'x', last: 0 }, '/last'],
    [{ policy: 'x', last: 1001 }, '/last'],
    [{ policy: 'x', lst: 1 }, '/lst'],
  ])('a trial of %j is refused', async (body, pointer) => {
    const answer = await dryRun(body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((fault: { pointer: string }) => fault.pointer)).toContain(pointer);
  });

  it('one that would never end is tried in a bound, while others are served', async () => {
    const levels = Array.from({ length: 12 }, (_, level) => `[1,2,3,4,5,6,7,8,9].all(v${level}, `).join('');
    const when = `${levels}true${')'.repeat(12)}`;
    const trial = dryRun({
      policy: `version: 1\nrules: [{ name: loop, when: "${when}", outcome: approve }]`,
    });
    const served: string[] = [];
    const note = (what: string) => () => served.push(what);
    await Promise.all([trial.then(note('trial')), stack.http.get(`/v1/jobs/${ids[0]}`).then(note('other'))]);
    expect(served).toEqual(['other', 'trial']);
    const { status, body } = await trial;
    expect(status).toBe(200);
    expect(body).toMatchObject({ jobs: 4, outcomes: { approve: 0, human: 4 }, changes: [] });
  });
});

it('policy check tells by its exit code what it found', async () => {
  const check = (...args: string[]) => runService('cli', ['policy', ...args], {});
  writeFileSync(file, EXAMPLE);
  const [good, usage] = await Promise.all([check('check', file), check('check')]);
  expect([good.code, good.stderr, good.stdout]).toEqual([0, '', expect.stringContaining('payments: when')]);
  expect([usage.code, usage.stderr]).toEqual([
    2,
    'Something is missing. Usage: npm run hitl -- policy check FILE\n',
  ]);
});

it('a review service with a broken policy refuses to start, and lists its faults', async () => {
  const database = await createTestDatabase();
  try {
    writeFileSync(file, 'version: 1\nrules: [{ name: x, sample: 2 }]');
    const { code, stderr } = await runService('review-service', [], {
      DATABASE_URL: database.url,
      AMQP_URL: testAmqpUrl(),
      REVIEW_POLICY_FILE: file,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^review-service cannot start\. REVIEW_POLICY_FILE=.* cannot be used:\n {2}\/rules\/0\/sample: 2 is not/,
    );
  } finally {
    await database.drop();
  }
});
