import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { completion, startStack, until, WAYS, type Stack } from '@hitl/testing';
import { readEvents } from './streamed-events';

const as = (name: string) => ({ 'x-hitl-actor': name });
/** A word that only the model says. */
const SECRET = 'xylophone-7f3a';

describe.each(WAYS)('the story of a job: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way);
  });

  afterAll(() => stack.stop());

  async function waiting(): Promise<string> {
    stack.stub.answer = () => ({ body: completion(SECRET) });
    const { id } = await stack.submit({ input: 'x' }, {}, as('sam'));
    await stack.reaches(id, 'human');
    return id;
  }
  const story = (id: string, name: string) => stack.http.get(`/v1/jobs/${id}/history`, as(name));
  const whole = async (id: string) => (await stack.http.get(`/v1/reviews/${id}/history`)).body;

  describe('outside the desk', () => {
    const WITHHELD = { revision: 1, by: 'worker', response: null, withheld: true, response_hash: null };

    it.each(['anybody', 'sam'])('withholds from %s an output that nobody has judged', async (name) => {
      const id = await waiting();
      const inHuman = await story(id, name);
      expect(inHuman.body.outputs).toEqual([expect.objectContaining(WITHHELD)]);
      const [, { response_hash: hash }] = (await whole(id)).events.map(({ data }: any) => data);
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      await stack.http.post(`/v1/jobs/${id}/cancel`);
      const cancelled = await story(id, name);
      expect(cancelled.body).toMatchObject({ status: 'fail', outputs: [WITHHELD], decisions: [] });
      for (const secret of [SECRET, hash]) expect(inHuman.text + cancelled.text).not.toContain(secret);
      expect((await whole(id)).outputs).toEqual([
        expect.objectContaining({ response: completion(SECRET), withheld: false, response_hash: hash }),
      ]);
    });

    it.each(['sam', 'anybody'])('shows %s only what was approved, and nothing of why', async (name) => {
      const id = await waiting();
      stack.stub.answer = () => ({ body: completion('kookaburra') });
      await stack.decide(id, { verdict: 'regenerate', feedback: 'numbat', reason: 'wombat' }, as('alice'));
      await stack.reaches(id, 'human');
      await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'bandicoot' }, as('alice'));
      const edit = { verdict: 'edit', response: completion('ours'), reason: 'quoll' };
      await stack.decide(id, edit, as('alice'));
      const { body, text } = await story(id, name);
      expect(body.outputs.map(({ response, withheld }: any) => [response, withheld])).toEqual([
        [null, true],
        [null, true],
        [completion('ours'), false],
      ]);
      expect(body.decisions.map(({ verdict, actor }: any) => [verdict, actor])).toEqual([
        ['regenerate', 'alice'],
        ['edit', 'alice'],
      ]);
      expect(text).not.toMatch(new RegExp(`${SECRET}|kookaburra|numbat|wombat|bandicoot|quoll|noted`));
      for (const output of body.outputs) expect(output).toMatchObject({ patch: null, text_diff: null });
      expect(JSON.stringify(body.events)).not.toMatch(/usage|provider|token/);
    });

    it('shows reviewers each output: what became of it, who said so, and why', async () => {
      const id = await waiting();
      stack.stub.answer = () => ({ body: completion('second') });
      const back = { verdict: 'regenerate', feedback: 'shorter', reason: 'too long' };
      await stack.decide(id, back, as('alice'));
      await stack.reaches(id, 'human');
      await stack.decide(id, { verdict: 'edit', response: completion('third'), reason: 'a typo' }, as('bob'));
      const body = await whole(id);
      expect(body.outputs.map(({ revision, by, response }: any) => [revision, by, response])).toEqual([
        [1, 'worker', completion(SECRET)],
        [2, 'worker', completion('second')],
        [3, 'bob', completion('third')],
      ]);
      expect(body.outputs[2].text_diff).toContain('-second\n');
      expect(body.decisions).toEqual([
        expect.objectContaining({ revision: 1, actor: 'alice', ...back }),
        expect.objectContaining({ revision: 2, actor: 'bob', verdict: 'edit', reason: 'a typo' }),
      ]);
      expect(body.events.map(({ type, actor }: any) => [type, actor])).toEqual([
        ['submitted', 'sam'],
        ['inferred', 'worker'],
        ['regenerated', 'alice'],
        ['inferred', 'worker'],
        ['decided', 'bob'],
      ]);
    });

    it('tells nobody else of an answer that was rejected', async () => {
      const id = await waiting();
      await stack.decide(
        id,
        { verdict: 'reject', reason: 'numbat', submitter_message: 'ask again' },
        as('al'),
      );
      for (const name of ['sam', 'anybody']) {
        const { body, text } = await story(id, name);
        expect(body.decisions).toMatchObject([{ verdict: 'reject', submitter_message: 'ask again' }]);
        expect(text).not.toMatch(new RegExp(`${SECRET}|numbat`));
      }
      const { text } = await stack.http.get(`/v1/jobs/${id}`);
      expect(text).not.toContain(SECRET);
      expect(JSON.parse(text).usage).toBeNull();
    });

    it('shows the approved answer also when only the payload was changed before', async () => {
      const id = await waiting();
      await stack.http.post('/reviewJob', { id, status: 'human', payload: { input: 'y' } }, as('bob'));
      await stack.decide(id, { verdict: 'approve' }, as('alice'));
      for (const name of ['sam', 'anybody']) {
        const { outputs } = (await story(id, name)).body;
        expect(outputs.at(-1)).toMatchObject({ revision: 2, response: completion(SECRET), withheld: false });
      }
    });

    it('shows no change of an output that nobody has judged', async () => {
      const id = await waiting();
      await stack.http.post('/reviewJob', { id, status: 'human', response: completion('draft') }, as('bob'));
      await stack.decide(id, { verdict: 'edit', response: completion('final') }, as('alice'));
      const { body, text } = await story(id, 'anybody');
      expect(body.outputs.map(({ response, text_diff }: any) => [response, text_diff])).toEqual([
        [null, null],
        [null, null],
        [completion('final'), null],
      ]);
      expect(text).not.toContain(SECRET);
      expect((await whole(id)).outputs[2].text_diff).toContain(SECRET);
    });

    if (way === 'services') {
      it('withholds an answer that one of two people has approved', async () => {
        const id = await waiting();
        await stack.database.query('UPDATE jobs SET approvals = 2 WHERE id = $1', [id]);
        const { body } = await stack.decide(id, { verdict: 'approve' }, as('alice'));
        expect(body).toMatchObject({ status: 'human', review: { approved_by: ['alice'] } });
        for (const name of ['sam', 'anybody']) expect((await story(id, name)).text).not.toContain(SECRET);
        expect((await stack.decide(id, { verdict: 'approve' }, as('alice'))).body.code).toBe('already_voted');
        await stack.decide(id, { verdict: 'approve' }, as('bob'));
        expect((await story(id, 'sam')).body.outputs[0].response).toEqual(completion(SECRET));
      });
    }
  });

  describe('its record', () => {
    const verified = (id: string) => stack.http.get(`/v1/reviews/${id}/chain`);
    /** A job that was edited, sent back and approved. */
    async function lived(): Promise<string> {
      const id = await waiting();
      await stack.decide(id, { verdict: 'regenerate', feedback: 'shorter' }, as('alice'));
      await stack.reaches(id, 'human');
      await stack.http.post('/reviewJob', { id, status: 'human', response: completion('ours') }, as('bob'));
      await stack.decide(id, { verdict: 'approve', reason: 'quoll' }, as('alice'));
      return id;
    }

    it('is whole, with every event the job has had so far', async () => {
      const id = await waiting();
      const before = await verified(id);
      expect([before.status, before.body]).toEqual([
        200,
        {
          job_id: id,
          verified_at: expect.stringMatching(/^20.+Z$/),
          whole: true,
          events: 2,
          findings: [],
          truncated: false,
        },
      ]);
      const edit = { verdict: 'edit', response: completion('ours') };
      await stack.decide(id, edit, as('alice'));
      const { body: after } = await verified(id.toUpperCase());
      expect(after).toMatchObject({ job_id: id, whole: true, events: 3 });
      expect(after.verified_at > before.body.verified_at).toBe(true);
      expect((await verified(await lived())).body).toMatchObject({ whole: true, events: 6, findings: [] });
    });

    it('is refused for a job that there is not', async () => {
      for (const id of [randomUUID(), 'nonsense']) {
        const { status, body } = await verified(id);
        expect([status, body.code]).toEqual([404, 'job_not_found']);
      }
    });

    if (way === 'services') {
      it('names an event that was changed past the system, and nothing of what it says', async () => {
        const id = await lived();
        const { events } = await whole(id);
        await stack.database.query(
          `UPDATE job_events SET data = data || '{"reason": "bandicoot"}' WHERE job_id = $1 AND seq = 6`,
          [id],
        );
        const { body, text } = await verified(id);
        expect(body).toMatchObject({ whole: false, events: 6, truncated: false });
        const sixth = { event_id: events[5].id, seq: 6, type: 'decided' };
        expect(body.findings).toEqual([
          { ...sixth, what: expect.stringMatching(/^does not match its hash: it was changed/) },
          { ...sixth, what: expect.stringMatching(/^tells something else than the decision .+: words$/) },
        ]);
        expect(text).not.toMatch(new RegExp(`${SECRET}|ours|quoll|bandicoot`));
      });

      it('names what is missing, and what has no event of its own', async () => {
        const id = await lived();
        await stack.database.query('DELETE FROM job_events WHERE job_id = $1 AND seq = 2', [id]);
        await stack.database.query(
          `INSERT INTO decisions (id, job_id, revision, verdict, actor) VALUES (gen_random_uuid(), $1, 1, 'reject', 'mallory')`,
          [id],
        );
        const { body } = await verified(id);
        const { events } = await whole(id);
        expect(body).toMatchObject({ whole: false, events: 5 });
        expect(body.findings).toContainEqual({
          event_id: events[1].id,
          seq: 3,
          type: 'regenerated',
          what: 'follows number 1: 1 event before it missing',
        });
        expect(body.findings.at(-1)).toEqual({
          event_id: null,
          seq: null,
          type: null,
          what: expect.stringMatching(/^no event tells of the decision .+ \(reject by mallory\)$/),
        });
      });

      it('tells the first hundred faults, none at length', async () => {
        const id = await lived();
        await stack.database.query(
          `INSERT INTO decisions (id, job_id, revision, verdict, actor)
           SELECT gen_random_uuid(), $1, 1, 'reject', repeat('x', 1000) FROM generate_series(1, 101)`,
          [id],
        );
        const { body } = await verified(id);
        expect([body.findings.length, body.truncated]).toEqual([100, true]);
        for (const { what } of body.findings) expect(what).toHaveLength(300);
      });

      it('is verified for four at once', async () => {
        const id = await waiting();
        const owner = await createDataSource(stack.database.url, 1).initialize();
        const answers = await owner.transaction(async (transaction) => {
          await transaction.query('SET LOCAL ROLE NONE');
          await transaction.query('LOCK TABLE event_chains');
          const five = Array.from({ length: 5 }, () => verified(id));
          const { status, headers, body } = await Promise.race(five);
          expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2']);
          return five;
        });
        await owner.destroy();
        const statuses = (await Promise.all(answers)).map(({ status }) => status);
        expect(statuses.sort()).toEqual([200, 200, 200, 200, 503]);
        expect((await verified(id)).status).toBe(200);
      });
    }
  });

  describe('a note', () => {
    it('is kept once for each id, also after the job has ended, and the submitter never reads it', async () => {
      const id = await waiting();
      const note = { id: randomUUID(), text: 'ask legal' };
      for (let time = 0; time < 2; time += 1) {
        const { status } = await stack.http.post(`/v1/reviews/${id}/notes`, note, as('alice'));
        expect(status).toBe(204);
      }
      await stack.decide(id, { verdict: 'approve' }, as('bob'));
      await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'ask legal: done' }, as('carol'));
      const noted = (await whole(id)).events.filter(({ type }: any) => type === 'noted');
      expect(noted.map(({ actor, status, data }: any) => [actor, status, data.text])).toEqual([
        ['alice', 'human', 'ask legal'],
        ['carol', 'success', 'ask legal: done'],
      ]);
      expect((await story(id, 'sam')).text).not.toContain('legal');
    });

    it('and a claim are told by the event stream, without what they say', async () => {
      const id = await waiting();
      await stack.http.put(`/v1/reviews/${id}/claim`, undefined, as('alice'));
      await stack.http.delete(`/v1/reviews/${id}/claim`, as('alice'));
      await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'ask legal' }, as('bob'));
      const events = await readEvents(`${stack.url}/v1/jobs/${id}/events`, {
        enough: (seen) => seen.some(({ event }) => event === 'noted'),
      });
      const fields = ['actor', 'created_at', 'id', 'job_id', 'revision', 'status', 'type'];
      for (const { data } of events) expect(Object.keys(data).sort()).toEqual(fields);
      expect(events.slice(2).map(({ event, data }) => [event, data.actor, data.status])).toEqual([
        ['claimed', 'alice', 'human'],
        ['released', 'alice', 'human'],
        ['noted', 'bob', 'human'],
      ]);
    });
  });

  describe('a draft', () => {
    const path = (id: string) => `/v1/reviews/${id}/draft`;
    const read = (id: string, name: string) => stack.http.get(path(id), as(name));
    const save = (id: string, name: string, content: unknown) =>
      stack.http.put(path(id), { revision: 1, content }, as(name));

    it('is each reviewer’s own, replaces the one before, and is thrown away on demand', async () => {
      const id = await waiting();
      const missing = await read(id, 'alice');
      expect([missing.status, missing.body.code]).toEqual([404, 'draft_not_found']);
      await save(id, 'alice', 'first');
      const { status, body } = await save(id, 'alice', { response: [null] });
      expect([status, body]).toEqual([
        200,
        { revision: 1, content: { response: [null] }, updated_at: expect.any(String) },
      ]);
      await save(id, 'bob', null);
      expect((await read(id, 'alice')).body).toEqual(body);
      expect((await read(id, 'bob')).body.content).toBeNull();
      expect((await read(id, 'carol')).status).toBe(404);
      for (let time = 0; time < 2; time += 1) {
        expect((await stack.http.delete(path(id), as('alice'))).status).toBe(204);
      }
      expect((await read(id, 'alice')).status).toBe(404);
      expect((await read(id, 'bob')).status).toBe(200);
    });

    it('is told of with its job, to its author alone', async () => {
      const id = await waiting();
      const savedAt = async (name: string) =>
        (await stack.http.get(`/v1/reviews/${id}`, as(name))).body.draft_saved_at;
      expect(await savedAt('alice')).toBeNull();
      const { updated_at } = (await save(id, 'alice', 'begun')).body;
      expect([await savedAt('alice'), await savedAt('bob')]).toEqual([updated_at, null]);
      const claimed = await stack.http.put(`/v1/reviews/${id}/claim`, undefined, as('alice'));
      expect(claimed.body.draft_saved_at).toBe(updated_at);
      const decided = await stack.decide(id, { verdict: 'approve' }, as('alice'));
      expect([decided.body.status, decided.body.draft_saved_at]).toEqual(['success', null]);
    });

    it.each<[string, (id: string) => Promise<unknown>]>([
      ['decision', (id) => stack.decide(id, { verdict: 'approve' })],
      ['cancellation', (id) => stack.http.post(`/v1/jobs/${id}/cancel`)],
    ])('is gone with the %s that ends the job, and no other is taken then', async (_end, end) => {
      const id = await waiting();
      await save(id, 'alice', 'begun');
      await end(id);
      expect((await read(id, 'alice')).body.code).toBe('draft_not_found');
      const { status, body } = await save(id, 'alice', 'late');
      expect([status, body.code]).toEqual([409, 'job_not_waiting']);
    });

    it('is still there when the model gives no other answer', async () => {
      const id = await waiting();
      await save(id, 'alice', 'begun');
      stack.stub.answer = () => ({ status: 400, body: { error: { message: 'no' } } });
      await stack.decide(id, { verdict: 'regenerate' });
      await until(
        'the earlier answer waits again',
        async () => (await stack.http.get(`/v1/reviews/${id}`)).body.regeneration_failed !== null,
      );
      expect((await read(id, 'alice')).body.content).toBe('begun');
    });

    if (way === 'services') {
      it('that a job has left over is swept', async () => {
        const [ended, other] = [await waiting(), await waiting()];
        await stack.decide(ended, { verdict: 'reject' });
        for (const id of [ended, other]) {
          await stack.database.query(
            `INSERT INTO drafts (job_id, actor, revision, content) VALUES ($1, 'alice', 1, '"late"')`,
            [id],
          );
        }
        expect((await read(ended, 'alice')).body.code).toBe('draft_not_found');
        await stack.restart('review-service');
        const left = () =>
          stack.database.query('SELECT job_id FROM drafts WHERE job_id = ANY($1)', [[ended, other]]);
        await until('it is gone', async () => (await left()).length === 1);
        expect(await left()).toEqual([{ job_id: other }]);
      });
    }

    it('survives a restart', async () => {
      const id = await waiting();
      await save(id, 'alice', 'begun');
      await stack.restart(way === 'services' ? 'gateway' : 'standalone');
      expect((await read(id, 'alice')).body.content).toBe('begun');
    });
  });
});
