import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  completion,
  onThisMachine,
  p99,
  startLightClient,
  startStack,
  WAYS,
  type LightClient,
  type Stack,
} from '@hitl/testing';

/** A neighbour is not noticed below this, in milliseconds, on a machine that has nothing else to do: what the work itself takes of it. */
const NOISE_MS = 1000;
/** Looks before the neighbour begins, and after it has ended, which tell what is usual. */
const QUIET_LOOKS = 30;
/** What a reviewer may write in the place of a response. */
const MAX_WRITTEN_BYTES = 4_194_304;
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
  let probe: LightClient;

  beforeAll(async () => {
    stack = await startStack(way);
    const review = await waiting('for the probe');
    const headers = { 'x-hitl-actor': 'probe' };
    probe = startLightClient(stack.url, [
      { method: 'PUT', path: `/v1/reviews/${review}/claim`, headers, status: 200 },
      { method: 'GET', path: '/v1/review-summaries?limit=1', headers, status: 200 },
    ]);
  });
  afterAll(async () => {
    await probe.stop();
    await stack.stop();
  });

  async function waiting(content: string, more = {}): Promise<string> {
    stack.stub.answer = () => ({ body: completion(content) });
    const { id } = await stack.submit({ input: 'x' }, more);
    await stack.reaches(id, 'human');
    return id;
  }

  /** Looks all the time while `neighbour` works: all but one in a hundred take about as long as before and after. */
  async function unnoticed<Result>(neighbour: () => Promise<Result>): Promise<Result> {
    const usual = await probe.during(QUIET_LOOKS);
    const work = neighbour();
    const disturbed = await probe.during(1, work);
    usual.push(...(await probe.during(QUIET_LOOKS)));
    expect(p99(disturbed)).toBeLessThan(Math.max(3 * p99(usual), onThisMachine(NOISE_MS)));
    return work;
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

  it('edits answers as long as an edit may be, all at once, and longer ones in vain', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 4; index += 1) ids.push(await waiting(noise(7919 + index)));
    const edited = (bytes: number) => ({ verdict: 'edit', response: 'x'.repeat(bytes - '""'.length) });
    const refused = await stack.decide(ids[0]!, edited(MAX_WRITTEN_BYTES + 1));
    expect([refused.status, refused.body.code]).toEqual([413, 'body_too_large']);
    expect(refused.body.detail).toContain(`may have ${MAX_WRITTEN_BYTES} bytes`);
    const changes = await unnoticed(() =>
      Promise.all(ids.map((id) => stack.decide(id, edited(MAX_WRITTEN_BYTES)))),
    );
    for (const { status, body } of changes) expect([status, body.status]).toEqual([200, 'success']);
  });

  it('sends bodies that open a million lists', async () => {
    const body = Buffer.alloc(1_000_000, '[');
    const answers = await unnoticed(() =>
      Promise.all(Array.from({ length: 40 }, () => stack.http.post('/v1/jobs', body))),
    );
    for (const answer of answers) expect([answer.status, answer.body.code]).toEqual([400, 'invalid_json']);
  });
});
