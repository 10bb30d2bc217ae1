import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, WAYS, type Stack } from '@hitl/testing';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const as = (actor: string) => ({ 'x-hitl-actor': actor });

describe.each(WAYS)('/v1/exports: $name', ({ way }) => {
  let stack: Stack;
  /** What the model answers next; then it says "same". */
  let answers: unknown[] = [];

  beforeAll(async () => {
    stack = await startStack(way);
    stack.stub.answer = () => ({ body: answers.shift() ?? completion('same') });
  });

  afterAll(() => stack.stop());

  /** A job that waits for a human, with these answers of the model one after the other. */
  async function waiting(payload: unknown, ...says: unknown[]): Promise<string> {
    answers = says;
    const { id } = await stack.submit(payload);
    await stack.reaches(id, 'human');
    return id;
  }
  const chat = (model: string, content: string) => ({ model, messages: [user(content)] });
  async function sendBack(id: string, decision: object = {}): Promise<void> {
    await stack.decide(id, { verdict: 'regenerate', ...decision });
    await stack.reaches(id, 'human');
  }
  const lines = async (path: string): Promise<any[]> => {
    const { status, text } = await stack.http.get(`/v1/exports/${path}`);
    expect(status).toBe(200);
    expect(text === '' || text.endsWith('\n')).toBe(true);
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
  };
  const rows = async (query: string): Promise<string[][]> => {
    const { text } = await stack.http.get(`/v1/exports/decisions.csv${query}`);
    const [, ...rest] = text.split('\n').slice(0, -1);
    return rest.map((line) => line.split(','));
  };

  describe('sft.jsonl', () => {
    it('has prompt and answer as messages, oldest first, edits as people wrote them', async () => {
      const said = await waiting(chat('sft', 'one'), completion('first'));
      const written = await waiting(chat('sft', 'two'), completion('second'));
      await stack.decide(said, { verdict: 'approve' });
      await stack.decide(written, { verdict: 'edit', response: completion('better') });
      expect(await lines('sft.jsonl?model=sft')).toEqual([
        {
          prompt: [user('one')],
          completion: [assistant('first')],
          job_id: said,
          model: 'sft',
          edited: false,
          finished_at: expect.stringMatching(ISO),
        },
        {
          prompt: [user('two')],
          completion: [assistant('better')],
          job_id: written,
          model: 'sft',
          edited: true,
          finished_at: expect.stringMatching(ISO),
        },
      ]);
    });

    it.each(['GET', 'HEAD'])('is a file to keep: %s', async (method) => {
      const { status, headers } = await stack.http.send(method, '/v1/exports/sft.jsonl');
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/x-ndjson; charset=utf-8');
      expect(headers.get('content-disposition')).toBe('attachment; filename="sft.jsonl"');
    });

    it('has no job that waits, was rejected or was cancelled', async () => {
      await waiting(chat('open', 'waits'), completion('x'));
      await sendBack(await waiting(chat('open', 'was sent back'), completion('x')));
      const rejected = await waiting(chat('open', 'rejected'), completion('x'));
      await stack.decide(rejected, { verdict: 'reject' });
      const cancelled = await waiting(chat('open', 'cancelled'), completion('x'));
      await stack.http.post(`/v1/jobs/${cancelled}/cancel`);
      expect(await lines('sft.jsonl?model=open')).toEqual([]);
      expect(await lines('preferences.jsonl?model=open')).toEqual([]);
    });

    it('tells other payloads as one message of the user', async () => {
      const from = new Date().toISOString();
      for (const payload of ['plain', { input: 'What?' }]) {
        await stack.decide(await waiting(payload), { verdict: 'edit', response: 'So.' });
      }
      const found = await lines(`sft.jsonl?from=${from}`);
      expect(found.map(({ prompt, completion }) => [prompt, completion])).toEqual([
        [[user('plain')], [assistant('So.')]],
        [[user('{"input":"What?"}')], [assistant('So.')]],
      ]);
    });
  });

  describe('preferences.jsonl', () => {
    it("prefers a human's edit to the model's own output", async () => {
      const id = await waiting(chat('edit', 'hi'), completion('Yo.'));
      await stack.decide(id, { verdict: 'edit', response: completion('Good morning.') });
      expect(await lines('preferences.jsonl?model=edit')).toEqual([
        {
          prompt: [user('hi')],
          chosen: [assistant('Good morning.')],
          rejected: [assistant('Yo.')],
          job_id: id,
          kind: 'edit',
          model: 'edit',
          finished_at: expect.stringMatching(ISO),
        },
      ]);
    });

    it('prefers what was approved to each output that was sent back', async () => {
      const id = await waiting(
        chat('again', 'joke'),
        completion('bad'),
        completion('worse'),
        completion('good'),
      );
      await sendBack(id, { feedback: 'Funnier.' });
      await sendBack(id);
      await stack.decide(id, { verdict: 'approve' });
      const found = await lines('preferences.jsonl?model=again');
      expect(found).toMatchObject([
        {
          prompt: [user('joke')],
          chosen: [assistant('good')],
          rejected: [assistant('bad')],
          kind: 'regenerate',
        },
        {
          prompt: [user('joke')],
          chosen: [assistant('good')],
          rejected: [assistant('worse')],
          kind: 'regenerate',
        },
      ]);
    });

    it('has what was sent back beside what was edited after it', async () => {
      const id = await waiting(chat('both', 'joke'), completion('bad'), completion('fair'));
      await sendBack(id);
      await stack.decide(id, { verdict: 'edit', response: 'good' });
      const found = await lines('preferences.jsonl?model=both');
      expect(
        found.map(({ chosen, rejected, kind }) => [chosen[0].content, rejected[0].content, kind]),
      ).toEqual([
        ['good', 'bad', 'regenerate'],
        ['good', 'fair', 'edit'],
      ]);
    });

    it('leaves out answers to a payload that was replaced since, and those that read the same', async () => {
      const replaced = await waiting(
        chat('left', 'old'),
        completion('bad'),
        completion('poor'),
        completion('good'),
      );
      await sendBack(replaced, { payload: chat('left', 'new') });
      await sendBack(replaced);
      await stack.decide(replaced, { verdict: 'approve' });
      const same = await waiting(chat('left', 'same'));
      await sendBack(same);
      await stack.decide(same, { verdict: 'approve' });
      const found = await lines('preferences.jsonl?model=left');
      expect(found.map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected])).toEqual([
        [[user('new')], [assistant('good')], [assistant('poor')]],
      ]);
    });
  });

  describe('decisions.csv', () => {
    const COLUMNS =
      'decision_id,job_id,revision,verdict,final,automatic,shadow,actor,model,rule,policy_hash,reason_code,reason,' +
      'submitter_message,edit_distance,waited_ms,claimed_ms,created_at,job_status,job_finished_at';

    it('has a header even without a row', async () => {
      const { headers, text } = await stack.http.get('/v1/exports/decisions.csv?model=nobody');
      expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(text).toBe(`${COLUMNS}\n`);
    });

    it('tells who decided what, when and why, on jobs that have ended', async () => {
      const id = await waiting(chat('csv', 'hi'), completion('SECRET'), completion('SECRET'));
      await waiting(chat('csv', 'waits'), completion('SECRET'));
      await sendBack(id, { feedback: 'More.' });
      await sendBack(await waiting(chat('csv', 'open'), completion('SECRET')));
      await stack.decide(id, { verdict: 'reject', reason: '=HYPERLINK(1)' }, as('alice'));
      const found = await rows('?model=csv');
      expect(found.map((row) => [row[1], ...row.slice(2, 9), row[12], row[18]])).toEqual([
        [id, '1', 'regenerate', 'true', 'false', 'false', 'local', 'csv', '', 'fail'],
        [id, '2', 'reject', 'true', 'false', 'false', 'alice', 'csv', "'=HYPERLINK(1)", 'fail'],
      ]);
      for (const row of found) {
        expect(row[15]).toMatch(/^\d+$/);
        expect([row[17], row[19]]).toEqual([expect.stringMatching(ISO), expect.stringMatching(ISO)]);
      }
      expect(JSON.stringify(found)).not.toContain('SECRET');
    });
  });

  it('takes only what the filters ask for', async () => {
    const model = 'filters';
    const ids: string[] = [];
    const times: string[] = [];
    for (const [actor, verdict] of [
      ['ann', 'approve'],
      ['ann', 'edit'],
      ['bob', 'approve'],
    ] as const) {
      const id = await waiting(chat(model, 'hi'), completion('x'));
      const response = verdict === 'edit' ? { response: 'mine' } : {};
      const { body } = await stack.decide(id, { verdict, ...response }, as(actor));
      ids.push(id);
      times.push(body.finished_at);
    }
    const [first, second, third] = ids;
    const found = async (query: string) =>
      (await lines(`sft.jsonl?model=${model}&${query}`)).map(({ job_id: id }) => id as string);
    expect(await found('reviewer=ann')).toEqual([first, second]);
    expect(await found('verdict=approve')).toEqual([first, third]);
    expect(await found('limit=2')).toEqual([first, second]);
    expect(await found(`from=${times[1]}`)).toEqual([second, third]);
    expect(await found(`to=${times[1]}`)).toEqual([first]);
    expect(await found(`from=${times[1]!.replace('Z', '+00:00')}&to=${times[2]}`)).toEqual([second]);
    expect(await found('rule=none')).toEqual([]);
    expect((await rows(`?model=${model}&reviewer=bob`)).map((row) => row[1])).toEqual([third]);
    expect(await rows(`?model=${model}&limit=1`)).toHaveLength(1);
    expect(await rows(`?model=${model}&verdict=reject`)).toEqual([]);
  });

  it.each([
    ['sft.jsonl?verdict=reject', 'verdict'],
    ['decisions.csv?verdict=shadow', 'verdict'],
    ['decisions.csv?from=yesterday', 'from'],
    ['decisions.csv?from=2026-02-30T00:00:00Z', 'from'],
    ['decisions.csv?to=2026-01-01', 'to'],
    ['preferences.jsonl?to=1969-12-31T23:59:59Z', 'to'],
    ['preferences.jsonl?limit=0', 'limit'],
    ['preferences.jsonl?reviewer=', 'reviewer'],
    ['preferences.jsonl?model=%00', 'model'],
    [`sft.jsonl?rule=${'x'.repeat(201)}`, 'rule'],
    ['sft.jsonl?status=success', 'status'],
    ['sft.jsonl?limit=1&limit=2', 'limit'],
  ])('refuses %s', async (path, parameter) => {
    const { status, headers, body } = await stack.http.get(`/v1/exports/${path}`);
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', parameter]);
    expect(headers.get('content-disposition')).toBeNull();
  });

  if (way !== 'services') return;

  it('have the decisions of a policy in decisions.csv only', async () => {
    const { id } = await stack.submit({ model: 'auto', messages: [user('hi')] });
    await stack.reaches(id, 'human');
    await stack.decide(id, { verdict: 'edit', response: 'mine' });
    const sft = async () => (await stack.http.get('/v1/exports/sft.jsonl?model=auto')).text;
    expect(await sft()).toContain(id);
    await stack.database.query(
      `UPDATE decisions SET automatic = true, rule = 'trusted', policy_hash = 'abc', actor = 'policy:trusted' WHERE job_id = $1`,
      [id],
    );
    expect(await sft()).toBe('');
    expect((await stack.http.get('/v1/exports/preferences.jsonl?model=auto')).text).toBe('');
    const { text } = await stack.http.get('/v1/exports/decisions.csv?rule=trusted');
    expect(text).toContain(`${id},1,edit,true,true,false,policy:trusted,auto,trusted,abc,`);
  });
});
