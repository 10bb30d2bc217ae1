import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startService, startStack, testAmqpUrl, until, WAYS, type Answer, type Stack } from '@hitl/testing';
import { readEvents } from './streamed-events';

const as = (name: string) => ({ 'x-hitl-actor': name });

describe.each(WAYS)('reviewers at one desk: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way);
  });

  afterAll(() => stack.stop());

  describe('who looks at a job', () => {
    let job: string;

    beforeAll(async () => {
      ({ id: job } = await stack.submit({ input: 'x' }));
      await stack.reaches(job, 'human');
    });
    afterAll(() => stack.decide(job, { verdict: 'reject' }));

    const look = (name: string, id = job) => stack.http.put(`/v1/reviews/${id}/viewers`, undefined, as(name));
    const leave = (name: string) => stack.http.delete(`/v1/reviews/${job}/viewers`, as(name));

    it('is answered to whoever looks, and told to whoever follows the events, but not to the submitter', async () => {
      const submitter = readEvents(`${stack.url}/v1/jobs/${job}/events`);
      const ofViewers = ({ event }: { event: string }) => event === 'viewers';
      let told: unknown[] = [];
      void readEvents(`${stack.url}/v1/events`, {
        enough: (events) => {
          told = events.filter(ofViewers).map(({ id, data }) => ({ id, data }));
          return told.length >= 4;
        },
      });
      // The first of them may come before the stream is open.
      await until('four changes are told', async () => {
        expect((await look('bob')).body).toEqual({ viewers: ['bob'] });
        expect((await look('alice', job.toUpperCase())).body).toEqual({ viewers: ['alice', 'bob'] });
        expect((await leave('bob')).status).toBe(204);
        expect((await leave('bob')).status).toBe(204);
        expect((await leave('alice')).status).toBe(204);
        return told.length >= 4;
      });
      const cycle = [['bob'], ['alice', 'bob'], ['alice'], []];
      const first = cycle.findIndex((names) => names.join() === (told[0] as any).data.viewers.join());
      expect(told.slice(0, 4)).toEqual(
        [0, 1, 2, 3].map((n) => ({ data: { job_id: job, viewers: cycle[(first + n) % 4] } })),
      );
      await stack.decide(job, { verdict: 'approve' });
      expect((await submitter).filter(ofViewers)).toEqual([]);
    });

    it('is not kept of a job that there is not', async () => {
      expect(await look('bob', randomUUID())).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
      expect((await look('bob', 'x')).status).toBe(404);
    });

    if (way !== 'services') return;

    it('is known at every gateway', async () => {
      const second = await startService('gateway', {
        DATABASE_URL: stack.database.url,
        AMQP_URL: testAmqpUrl(),
      });
      try {
        await look('bob');
        const viewers = async () => {
          const init = { method: 'PUT', headers: as('alice') };
          return (await fetch(`${second.url}/v1/reviews/${job}/viewers`, init)).json();
        };
        await until('the second gateway knows of bob', async () => {
          await look('bob');
          return JSON.stringify(await viewers()) === '{"viewers":["alice","bob"]}';
        });
        await leave('bob');
        await until('bob has left', async () => JSON.stringify(await viewers()) === '{"viewers":["alice"]}');
      } finally {
        await second.stop();
      }
    });
  });

  describe('a claim', () => {
    async function waiting(priority = 0): Promise<string> {
      const { id } = await stack.submit({ input: 'x' }, { priority });
      await stack.reaches(id, 'human');
      return id;
    }
    const next = (name: string) => stack.http.post('/v1/reviews/claim-next', undefined, as(name));
    const claim = (id: string, name: string) =>
      stack.http.put(`/v1/reviews/${id}/claim`, undefined, as(name));
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
});
