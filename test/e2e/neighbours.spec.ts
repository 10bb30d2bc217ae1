import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, WAYS, type Stack } from '@hitl/testing';

/** A neighbour is not noticed below this, in milliseconds: a busy machine's own noise. */
const FLOOR_MS = 4000;
/** Looks before the neighbour begins, which tell what is usual. */
const QUIET_LOOKS = 15;
/** Calls that take as long as what they are about is wrong: 2 to the power of 40 ways. */
const exponential = (name: string): unknown => {
  const levels = Array.from({ length: 40 }, (_, level) => [
    `l${level}`,
    { anyOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }] },
  ]);
  return { $defs: { ...Object.fromEntries(levels), l40: { required: [name] } }, $ref: '#/$defs/l0' };
};
/** A text in which words repeat, so that comparing it with another is work. */
const noise = (seed: number): string =>
  Array.from({ length: 8000 }, (_, index) => (((index + 1) * seed) % 9973).toString(36)).join(' ');

describe.each(WAYS)('a neighbour who does the worst that is allowed: $name', ({ way }) => {
  let stack: Stack;
  let review: string;

  beforeAll(async () => {
    stack = await startStack(way);
    review = await waiting('for the probe');
  });
  afterAll(() => stack.stop());

  async function waiting(content: string, more = {}): Promise<string> {
    stack.stub.answer = () => ({ body: completion(content) });
    const { id } = await stack.submit({ input: 'x' }, more);
    await stack.reaches(id, 'human');
    return id;
  }

  /** How long a command of a reviewer, and a read, take at most, in milliseconds. */
  async function look(): Promise<number> {
    const start = performance.now();
    const claimed = await stack.http.put(`/v1/reviews/${review}/claim`, undefined, {
      'x-hitl-actor': 'probe',
    });
    const listed = await stack.http.get('/v1/review-summaries?limit=1');
    expect([claimed.status, listed.status]).toEqual([200, 200]);
    return performance.now() - start;
  }

  /** Looks all the time while `neighbour` works: all but one in a hundred take about as long as before. */
  async function unnoticed<Result>(neighbour: () => Promise<Result>): Promise<Result> {
    let usual = 0;
    for (let index = 0; index < QUIET_LOOKS; index += 1) usual = Math.max(usual, await look());
    const state = { busy: true };
    const work = neighbour().finally(() => {
      state.busy = false;
    });
    const looks: number[] = [];
    while (state.busy) {
      looks.push(await look());
      await delay(20);
    }
    const result = await work;
    const disturbed = looks.sort((a, b) => a - b).at(Math.ceil(0.99 * looks.length) - 1) ?? 0;
    expect(disturbed).toBeLessThan(Math.max(3 * usual, FLOOR_MS));
    return result;
  }

  it('tries a policy that searches long texts for long texts', async () => {
    const text = 'a'.repeat(1_000_000);
    stack.stub.answer = () => ({ body: completion('x') });
    for (let index = 0; index < 3; index += 1) {
      const { id } = await stack.submit({ text, part: `b${text.slice(0, 400_000)}` });
      await stack.reaches(id, 'human');
    }
    const rules = Array.from(
      { length: 40 },
      (_, index) =>
        `  - { name: r${index}, outcome: approve, when: 'payload.text.contains(payload.part) || payload.text.split(payload.part).size() > ${index + 2} || payload.text.lastIndexOf(payload.part) > 0' }`,
    );
    const policy = `version: 1\nrules:\n${rules.join('\n')}\n`;
    const answers = await unnoticed(() =>
      Promise.all([1, 2, 3].map(() => stack.http.post('/v1/policies/dry-run', { policy, last: 100 }))),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.map(({ body }) => body.code)).toEqual(['too_many_dry_runs']);
    // On a busy machine there may be no time for one of them.
    for (const { status, body } of answers) {
      if (status < 400) expect([status, body.outcomes.approve]).toEqual([200, 0]);
    }
  });

  it('sends schemas without end', async () => {
    const answers = await unnoticed(() =>
      Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          stack.http.post('/v1/jobs', { payload: 1, response_schema: exponential(`n${index}`) }),
        ),
      ),
    );
    for (const { status } of answers) expect([202, 400, 503]).toContain(status);
    const itself = await stack.http.post('/v1/jobs', { payload: 1, response_schema: { $ref: '#' } });
    expect(itself.status).toBe(400);
  });

  it('edits many long answers at once', async () => {
    const ids = [];
    for (let index = 0; index < 12; index += 1) ids.push(await waiting(noise(7919 + index)));
    const decisions = ids.map((job_id, index) => ({
      ...{ job_id, revision: 1, verdict: 'edit' },
      response: completion(noise(6131 + index)),
    }));
    const { body } = await unnoticed(() => stack.http.post('/v1/reviews/decisions', { decisions }));
    expect(body.results.map(({ job, problem }: any) => job?.status ?? problem)).toEqual(
      ids.map(() => 'success'),
    );
  });

  it('sends bodies that open a million lists', async () => {
    const body = Buffer.alloc(1_000_000, '[');
    const answers = await unnoticed(() =>
      Promise.all(Array.from({ length: 40 }, () => stack.http.post('/v1/jobs', body))),
    );
    for (const answer of answers) expect([answer.status, answer.body.code]).toEqual([400, 'invalid_json']);
  });
});
