import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, WAYS, type Answer, type Stack } from '@hitl/testing';

const as = (name: string) => ({ 'x-hitl-actor': name });

describe.each(WAYS)('claims: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way);
  });

  afterAll(() => stack.stop());

  async function waiting(priority = 0): Promise<string> {
    const { id } = await stack.submit({ input: 'x' }, { priority });
    await stack.reaches(id, 'human');
    return id;
  }
  const next = (name: string) => stack.http.post('/v1/reviews/claim-next', undefined, as(name));
  const claim = (id: string, name: string) => stack.http.put(`/v1/reviews/${id}/claim`, undefined, as(name));
  const release = (id: string, name: string) => stack.http.delete(`/v1/reviews/${id}/claim`, as(name));
  const read = async (id: string, name?: string) =>
    (await stack.http.get(`/v1/reviews/${id}`, name === undefined ? {} : as(name))).body;
  const reject = (id: string, name: string) => stack.decide(id, { verdict: 'reject' }, as(name));

  it('claim-next gives the most urgent, then the oldest, and 204 when nothing is left', async () => {
    const jobs: string[] = [];
    for (const priority of [0, 5, 9, 5]) jobs.push(await waiting(priority));
    const [last, second, first, third] = jobs;
    const given: string[] = [];
    for (const name of ['alice', 'bob', 'alice', 'bob']) {
      const { status, headers, body } = await next(name);
      expect([status, headers.get('etag'), body.review.claim.by]).toEqual([200, '"1"', name]);
      expect(body).toMatchObject({ response: expect.anything(), submitter: 'local', status: 'human' });
      given.push(body.id);
    }
    expect(given).toEqual([first, second, third, last]);
    expect(await next('carol')).toMatchObject({ status: 204, text: '' });
    for (const [index, id] of given.entries()) await reject(id, index % 2 === 0 ? 'alice' : 'bob');
  });

  it('claim-next never gives two reviewers the same', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => waiting()));
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => next(`reviewer${n % 10}`)));
    const given = answers.filter(({ status }) => status === 200).map(({ body }) => body);
    expect(given.map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(10);
    await Promise.all(given.map(({ id, review }) => reject(id, review.claim.by)));
  });

  it('is seen in the list and in the job: who has it, since when, until when', async () => {
    const id = await waiting();
    const { status, body } = await claim(id, 'alice');
    expect(status).toBe(200);
    const { since, until: ends } = body.review.claim;
    expect(body.review.claim).toEqual({ by: 'alice', since, until: ends });
    expect(Date.parse(ends) - Date.parse(since)).toBe(300_000);
    expect((await read(id)).review.claim).toEqual(body.review.claim);
    const { data } = (await stack.http.get('/v1/reviews')).body;
    expect(data).toEqual([expect.objectContaining({ id, review: body.review })]);
    await reject(id, 'alice');
  });

  it('is renewed by its holder: it ends later, and began when it began', async () => {
    const id = await waiting();
    const first = (await claim(id, 'alice')).body.review.claim;
    const second = (await claim(id, 'alice')).body.review.claim;
    expect(Date.parse(second.until)).toBeGreaterThan(Date.parse(first.until));
    expect(second.since).toBe(first.since);
    await reject(id, 'alice');
  });

  it.each<[string, (id: string) => Promise<Answer>]>([
    ['claim', (id) => claim(id, 'bob')],
    ['release', (id) => release(id, 'bob')],
    ['decision', (id) => stack.decide(id, { verdict: 'approve' }, as('bob'))],
    ['edit', (id) => stack.decide(id, { verdict: 'edit', response: 1 }, as('bob'))],
    ['regeneration', (id) => stack.decide(id, { verdict: 'regenerate' }, as('bob'))],
  ])('keeps everybody else out: their %s gets 409 that says who has it', async (_what, attempt) => {
    const id = await waiting();
    const { body: before } = await claim(id, 'alice');
    const { status, body } = await attempt(id);
    expect([status, body.code]).toEqual([409, 'claimed']);
    expect(body.detail).toMatch(/^alice has the job until /);
    expect(body.current).toEqual({
      status: 'human',
      revision: 1,
      claim: before.review.claim,
      held: null,
      decision: null,
    });
    expect(await read(id, 'alice')).toEqual(before);
    await reject(id, 'alice');
  });

  it.each([{ status: 'success' }, { status: 'human', response: 'theirs' }, { status: 'bot' }])(
    'keeps everybody else out of /reviewJob, too: %j',
    async (change) => {
      const id = await waiting();
      const { body: before } = await claim(id, 'alice');
      const { status, body } = await stack.http.post('/reviewJob', { id, ...change }, as('bob'));
      expect([status, body.message]).toEqual([409, expect.stringMatching(/^alice has the job until /)]);
      expect(await read(id, 'alice')).toEqual(before);
      await reject(id, 'alice');
    },
  );

  it('is released by its holder, however often, and then anybody may decide', async () => {
    const id = await waiting();
    await claim(id, 'alice');
    expect((await release(id, 'alice')).status).toBe(204);
    expect((await release(id, 'alice')).status).toBe(204);
    expect((await release(id, 'bob')).status).toBe(204);
    expect((await read(id)).review.claim).toBeNull();
    expect((await reject(id, 'bob')).status).toBe(200);
  });

  it('ends with the decision of its holder, and an ended job cannot be claimed', async () => {
    const id = await waiting();
    await claim(id, 'alice');
    const { body: decided } = await stack.decide(id, { verdict: 'approve' }, as('alice'));
    expect(decided).toMatchObject({ status: 'success', review: { claim: null } });
    const { status, body } = await claim(id, 'bob');
    expect([status, body.code]).toEqual([409, 'job_not_waiting']);
    expect(body.current.decision).toEqual({ verdict: 'approve', by: 'alice', at: expect.any(String) });
  });

  // The last one, since all later claims are as short.
  it('ends by itself when it is not renewed, and the job is anybody’s again', async () => {
    const app = way === 'services' ? 'review-service' : 'standalone';
    await stack.restart(app, { REVIEW_CLAIM_MS: '1000' });
    const [first, second] = [await waiting(9), await waiting()];
    await claim(first, 'alice');
    await claim(second, 'alice');
    await until('the claims have ended', async () => {
      const { data } = (await stack.http.get('/v1/reviews')).body;
      return data.every((job: any) => job.review.claim === null);
    });
    expect((await reject(first, 'bob')).status).toBe(200);
    expect((await next('bob')).body.id).toBe(second);
  });
});
