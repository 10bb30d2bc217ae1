import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, WAYS, type Stack } from '@hitl/testing';
import { readEvents } from './streamed-events';
import { CALLS_SINKS, startWebhookSink, type WebhookSink } from './webhook-sink';

const as = (name: string) => ({ 'x-hitl-actor': name });
const chat = (content: string) => ({ model: 'stub', messages: [{ role: 'user', content }] });

describe.each(WAYS)('what a decision keeps and tells: $name', ({ way }) => {
  let stack: Stack;
  let webhooks: WebhookSink;

  beforeAll(async () => {
    webhooks = await startWebhookSink();
    stack = await startStack(way, {
      MAX_REGENERATIONS: '2',
      ...CALLS_SINKS,
    });
  });

  afterAll(async () => {
    await stack.stop();
    webhooks.close();
  });

  async function waiting(more = {}, submitter = 'sam'): Promise<string> {
    const { id } = await stack.submit(chat('Hello!'), more, as(submitter));
    await stack.reaches(id, 'human');
    return id;
  }
  const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;
  const history = async (id: string) => (await stack.http.get(`/v1/reviews/${id}/history`)).body;
  const CONTENT = '/response/choices/0/message/content';

  describe('an edit', () => {
    it('is kept as JSON Patch and as text diff against the model’s output', async () => {
      const id = await waiting();
      await stack.decide(id, { verdict: 'edit', response: completion('You said: Bye!') }, as('alice'));
      const { outputs, decisions } = await history(id);
      expect(outputs).toEqual([
        expect.objectContaining({ revision: 1, by: 'worker', patch: null, text_diff: null }),
        expect.objectContaining({
          revision: 2,
          by: 'alice',
          response: completion('You said: Bye!'),
          patch: [{ op: 'replace', path: CONTENT, value: 'You said: Bye!' }],
          text_diff: expect.stringContaining('-You said: Hello!\n'),
        }),
      ]);
      expect(outputs[1].text_diff).toContain('+You said: Bye!\n');
      expect(decisions).toEqual([expect.objectContaining({ verdict: 'edit', revision: 1, final: true })]);
      expect(decisions[0].edit_distance).toBeGreaterThan(0);
    });

    it('is compared with the model’s output also when somebody has changed it before', async () => {
      const id = await waiting();
      await stack.http.post('/reviewJob', { id, status: 'human', response: completion('draft') }, as('bob'));
      const changed = await review(id);
      expect(changed).toMatchObject({ revision: 2, edited: true, response: completion('draft') });
      expect(changed.model_response).toEqual(completion('You said: Hello!'));
      await stack.decide(id, { verdict: 'edit', response: completion('final') }, as('alice'));
      const { outputs } = await history(id);
      expect(outputs.map(({ by, patch }: any) => [by, patch?.[0].value])).toEqual([
        ['worker', undefined],
        ['bob', 'draft'],
        ['alice', 'final'],
      ]);
      expect(outputs[2].text_diff).toContain('-You said: Hello!\n');
      expect(outputs[2].text_diff).not.toContain('draft');
    });
  });

  describe('a rejection', () => {
    it('tells the submitter what they may read and never the reason, at every door', async () => {
      const [reason, message] = ['quokka: he lies', 'Please rephrase.'];
      const rejection = {
        verdict: 'reject',
        reason,
        reason_code: 'incorrect',
        submitter_message: message,
      };
      const id = await waiting({ callback_url: webhooks.url });
      const held = stack.http.get(`/v1/jobs/${id}`, { prefer: 'wait=60', ...as('sam') });
      const asked = stack.http.post('/v1/chat/completions', { ...chat('x'), model: 'asked' }, as('sam'));
      const openai = await until('the chat waits', async () => {
        const { data } = (await stack.http.get('/v1/reviews')).body;
        return data.find((job: any) => job.payload.model === 'asked');
      });
      expect((await stack.decide(openai.id, rejection, as('alice'))).status).toBe(200);
      expect((await stack.decide(id, rejection, as('alice'))).status).toBe(200);
      await until('the webhook', () => webhooks.received.includes('job.failed'));

      const failure = { reason: 'rejected', detail: message };
      expect((await held).body.failure).toEqual(failure);
      expect((await asked).body.error).toMatchObject({ code: 'answer_rejected', message });
      const paths = [`/v1/jobs/${id}`, '/v1/jobs', `/job?id=${id}`, `/v1/jobs/${id}/history`];
      const doors = await Promise.all(paths.map((path) => stack.http.get(path, as('sam'))));
      expect(doors[0]!.body.failure).toEqual(failure);
      const events = await readEvents(`${stack.url}/v1/jobs/${id}/events`);
      expect(events.at(-1)!.event).toBe('decided');
      const texts = [await held, await asked, ...doors].map(({ text }) => text);
      expect(JSON.stringify([texts, events, webhooks.received])).not.toMatch(/quokka|incorrect/);
      const [decision] = (await history(id)).decisions;
      expect(decision).toMatchObject({ reason, reason_code: 'incorrect', submitter_message: message });
    });

    it('takes only the project’s reasons, and names them', async () => {
      const id = await waiting();
      const { status, body } = await stack.decide(id, { verdict: 'reject', reason_code: 'ugly' });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
      expect(body.detail).toContain('"ugly" is none of the project\'s reasons: incorrect, unsafe');
      expect(await review(id)).toMatchObject({ status: 'human', revision: 1 });
      expect((await history(id)).decisions).toEqual([]);
      expect((await stack.decide(id, { verdict: 'reject', reason_code: 'unsafe' })).status).toBe(200);
    });
  });

  it('sends a job back to the model as often as it may be, then says so and goes on waiting', async () => {
    const id = await waiting();
    for (const round of [1, 2]) {
      await stack.decide(id, { verdict: 'regenerate', feedback: `again ${round}` });
      await stack.reaches(id, 'human');
    }
    const before = await review(id);
    expect(before).toMatchObject({ feedback: ['again 1', 'again 2'], review: { regenerations: 2 } });
    const { status, body } = await stack.decide(id, { verdict: 'regenerate' });
    expect([status, body.code]).toEqual([409, 'too_many_regenerations']);
    expect(body.current).toMatchObject({ status: 'human', revision: 3 });
    expect((await stack.http.post('/reviewJob', { id, status: 'bot' })).status).toBe(409);
    expect(await review(id)).toEqual(before);
    expect((await stack.decide(id, { verdict: 'approve' })).body.status).toBe('success');
  });

  describe('the id of a decision', () => {
    it.each<[string, object]>([
      ['approve', { verdict: 'approve' }],
      ['edit', { verdict: 'edit', response: { ours: [1] }, reason: 'better' }],
      ['regenerate', { verdict: 'regenerate', feedback: 'shorter' }],
    ])('lets %s take effect once, however often it comes', async (_verdict, decision) => {
      const id = await waiting();
      const once = { id: randomUUID(), ...decision };
      const send = () => stack.decide(id, once, { 'if-match': '"1"', ...as('alice') });
      const [first, ...more] = await Promise.all([send(), send(), send()]);
      expect([first.status, ...more.map(({ status }) => status)]).toEqual([200, 200, 200]);
      await until('it has come to rest', async () => (await review(id)).status !== 'bot');
      const after = await review(id);
      const again = await send();
      expect([again.status, again.body]).toEqual([200, after]);
      expect((await history(id)).decisions).toEqual([expect.objectContaining({ id: once.id })]);
    });

    it('belongs to one decision: with anything else it gets 422', async () => {
      const [id, other] = [await waiting(), await waiting()];
      const decision = { id: randomUUID(), verdict: 'approve', reason: 'fine' };
      expect((await stack.decide(id, decision, as('alice'))).status).toBe(200);
      for (const [job, body, name] of [
        [id, { ...decision, reason: 'well' }, 'alice'],
        [id, decision, 'bob'],
        [other, decision, 'alice'],
      ] as const) {
        const answer = await stack.decide(job, body, { 'if-match': '"1"', ...as(name) });
        expect([answer.status, answer.body.code]).toEqual([422, 'idempotency_conflict']);
      }
      expect((await review(other)).status).toBe('human');
      expect((await history(id)).decisions).toHaveLength(1);
    });
  });

  describe('a response_schema', () => {
    const response_schema = {
      type: 'object',
      properties: { answers: { type: 'array', items: { type: 'integer' } } },
      required: ['answers'],
    };
    const broken = { answers: [1, 'two'] };

    it('refuses an edit that breaks it, says where, and leaves the job as it is', async () => {
      const id = await waiting({ response_schema });
      const before = await review(id);
      expect(before.response_schema).toEqual(response_schema);
      const { status, body } = await stack.decide(id, { verdict: 'edit', response: broken });
      expect([status, body.code]).toEqual([422, 'schema_mismatch']);
      expect(body.errors).toEqual([{ pointer: '/response/answers/1', detail: 'must be integer' }]);
      for (const change of ['success', 'human']) {
        const answer = await stack.http.post('/reviewJob', { id, status: change, response: broken });
        expect([answer.status, answer.body.message]).toEqual([
          422,
          expect.stringContaining('/response/answers/1: must be integer'),
        ]);
      }
      expect(await review(id)).toEqual(before);
      const fitting = { answers: [1, 2] };
      expect((await stack.decide(id, { verdict: 'edit', response: fitting })).body.response).toEqual(fitting);
    });

    it.each<[unknown]>([['text'], [7], [[]], [{ type: 'thing' }], [{ $ref: 'https://example.com/x.json' }]])(
      'that is none is refused with the job: %j',
      async (schema) => {
        const { status, body } = await stack.http.post('/v1/jobs', { payload: 1, response_schema: schema });
        expect([status, body.code]).toEqual([400, 'invalid_request']);
        expect(body.errors).toEqual([{ pointer: '/response_schema', detail: expect.any(String) }]);
      },
    );
  });

  describe('many decisions at once', () => {
    const decideAll = (decisions: object[], name = 'alice') =>
      stack.http.post('/v1/reviews/decisions', { decisions }, as(name));

    it('take effect or are refused each by itself, and are answered in their order', async () => {
      const ids = await Promise.all(
        Array.from({ length: 199 }, async () => (await stack.submit({ input: 'many' })).id),
      );
      for (const id of ids) await stack.reaches(id, 'human');
      await stack.http.put(`/v1/reviews/${ids[5]}/claim`, undefined, as('bob'));
      await stack.http.post(`/v1/jobs/${ids[6]}/cancel`);
      const kinds = [
        { verdict: 'approve' },
        { verdict: 'edit', response: 'ours' },
        { verdict: 'reject', submitter_message: 'no' },
        { verdict: 'regenerate', feedback: 'shorter' },
      ];
      const decisions = [...ids, randomUUID()].map((job_id, n) => ({ job_id, revision: 1, ...kinds[n % 4] }));
      Object.assign(decisions[8]!, { revision: 2 });
      Object.assign(decisions[10]!, { reason_code: 'ugly' });
      const { status, body } = await decideAll(decisions);
      expect(status).toBe(200);
      expect(body.results.map(({ job_id }: any) => job_id)).toEqual(decisions.map(({ job_id }) => job_id));
      const refused: Record<number, [number, string]> = {
        5: [409, 'claimed'],
        6: [409, 'job_not_waiting'],
        8: [412, 'revision_mismatch'],
        10: [400, 'invalid_request'],
        199: [404, 'job_not_found'],
      };
      const after = ['success', 'success', 'fail', expect.stringMatching(/^(bot|human)$/)];
      for (const [n, { job, problem }] of body.results.entries()) {
        const told = problem && [problem.status, problem.code];
        expect([n, job && job.status, told]).toEqual([
          n,
          refused[n] ? null : after[n % 4],
          refused[n] ?? null,
        ]);
      }
      expect(body.results[5].problem.current.claim.by).toBe('bob');
      expect((await stack.http.get(`/v1/jobs/${ids[1]}`)).body.response).toBe('ours');
      expect((await review(ids[8])).status).toBe('human');
    });

    it('are answered without what the jobs are about', async () => {
      const id = await waiting();
      const decision = { job_id: id, revision: 1, verdict: 'edit', response: 'ours', undo_ms: 60_000 };
      const answer = await decideAll([decision]);
      const { review: now, ...job } = await review(id);
      const { since, deadline_at, automatic_step, rule, group, approvals, approved_by, rejected_by } = now;
      const { claim, held, client } = now;
      const votes = { approvals, approved_by, rejected_by };
      expect(held).toMatchObject({ verdict: 'edit', by: 'alice' });
      expect(answer.body.results).toEqual([
        {
          job_id: id,
          job: {
            status: 'human',
            revision: 1,
            updated_at: job.updated_at,
            review: { since, deadline_at, automatic_step, rule, group, ...votes, claim, held, client },
          },
          problem: null,
        },
      ]);
    });

    it('are refused together when two of them have one id, and none takes effect', async () => {
      const [first, second, third] = [await waiting(), await waiting(), await waiting()];
      const id = randomUUID();
      const decision = { revision: 1, verdict: 'approve' };
      const { status, body } = await decideAll([
        { ...decision, job_id: first, id },
        { ...decision, job_id: second },
        { ...decision, job_id: third, id: id.toUpperCase() },
      ]);
      expect([status, body.code, body.errors]).toEqual([
        400,
        'invalid_request',
        [{ pointer: '/decisions/2/id', detail: 'is the id of /decisions/0, too' }],
      ]);
      for (const job of [first, second, third]) expect((await review(job)).status).toBe('human');
    });

    it('are refused together when one has no shape, and none takes effect', async () => {
      const ids = [await waiting(), await waiting(), await waiting(), await waiting()];
      const decisions: object[] = ids.map((job_id) => ({ job_id, revision: 1, verdict: 'approve' }));
      Object.assign(decisions[3]!, { feedback: 'shorter' });
      const { status, body } = await decideAll(decisions);
      expect([status, body.errors]).toEqual([
        400,
        [{ pointer: '/decisions/3/feedback', detail: expect.any(String) }],
      ]);
      for (const id of ids) expect((await review(id)).status).toBe('human');
    });
  });
});
