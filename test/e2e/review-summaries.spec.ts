import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, WAYS, type Stack } from '@hitl/testing';

const chat = (content: unknown, model = 'stub') => ({
  model,
  messages: [
    { role: 'user', content: 'before' },
    { role: 'assistant', content: 'yes?' },
    { role: 'user', content },
  ],
});

describe.each(WAYS)('/v1/review-summaries: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way);
  });

  afterAll(() => stack.stop());

  async function waiting(payload: unknown, priority = 0): Promise<string> {
    const { id } = await stack.submit(payload, { priority });
    await stack.reaches(id, 'human');
    return id as string;
  }
  const list = async (query = '') => (await stack.http.get(`/v1/review-summaries${query}`)).body;
  const idsOf = async (query: string) => (await list(query)).data.map(({ id }: { id: string }) => id);
  const clear = async (): Promise<void> => {
    for (const { id } of (await list('?limit=1000')).data) await stack.decide(id, { verdict: 'reject' });
  };

  it('tells of each job what a list needs, without its payload and its answer', async () => {
    const id = await waiting(chat('What now?'), 3);
    const { data, ...page } = await list();
    expect(page).toEqual({ has_more: false, next_cursor: null, total: 1 });
    expect(data).toEqual([
      {
        id,
        asked: 'What now?',
        model: 'stub',
        priority: 3,
        since: expect.any(String),
        deadline_at: null,
        automatic_step: null,
        rule: null,
        group: null,
        approvals: 1,
        approved_by: [],
        rejected_by: [],
        claim: null,
        held: null,
        client: null,
        notes_count: 0,
        violations: 0,
        revision: 1,
        edited: false,
        created_at: expect.any(String),
        not_decidable_because: null,
      },
    ]);
    await clear();
  });

  it.each<[string, unknown, string]>([
    ['the last user message of a chat', chat('last'), 'last'],
    ['its parts', chat([{ type: 'text', text: 'one' }, { type: 'image_url' }, { text: 'two' }]), 'one two'],
    ['the input of a response', { input: 'ask' }, 'ask'],
    ['the turns of a response', { input: [{ role: 'user', content: 'turn' }] }, 'turn'],
    ['a prompt', { prompt: 'write' }, 'write'],
    ['a text', 'text', 'text'],
    ['any other JSON', { a: [1, 'x'] }, '{"a":[1,"x"]}'],
    ['messages that are none', { messages: [7, null, []] }, '{"messages":[7,null,[]]}'],
    ['null', null, ''],
    ['white space of any kind', ' a \n\t b ', 'a b'],
    ['two hundred characters', 'ü'.repeat(5000), 'ü'.repeat(200)],
  ])('shows as what was asked: %s', async (_what, payload, asked) => {
    const id = await waiting(payload);
    expect((await list(`?ids=${id}`)).data).toMatchObject([{ id, asked }]);
    await clear();
  });

  it('goes on page by page, most urgent first, and counts all', async () => {
    const ids = [];
    for (const priority of [0, 5, 9, 5]) ids.push(await waiting(chat('p'), priority));
    const [a, b, c, d] = ids;
    const first = await list('?limit=3');
    expect(first).toMatchObject({ has_more: true, total: 4 });
    expect(first.data.map(({ id }: { id: string }) => id)).toEqual([c, b, d]);
    expect(await idsOf(`?limit=3&cursor=${first.next_cursor}`)).toEqual([a]);
    await clear();
  });

  it('finds by model, priority, holder, ids and a part of what was asked', async () => {
    const percent = await waiting(chat('100% of_it', 'm1'), 2);
    const other = await waiting(chat('100 and OF-IT', 'm2'), 1);
    await stack.http.send('PUT', `/v1/reviews/${other}/claim`, { headers: { 'x-hitl-actor': 'ada' } });
    for (const query of ['?model=m1', '?priority=2', '?q=0%25%20OF_', '?unclaimed=true', `?ids=${percent}`]) {
      expect([query, await idsOf(query)]).toEqual([query, [percent]]);
    }
    for (const query of ['?model=m2&q=of', '?claimed_by=ada', '?priority=1&unclaimed=false']) {
      expect([query, await idsOf(query)]).toEqual([query, [other]]);
    }
    expect((await list('?claimed_by=ada')).data[0].claim).toMatchObject({ by: 'ada' });
    for (const query of [
      '?model=M1',
      '?q=\\',
      '?rule=r',
      '?group=g',
      '?claimed_by=ad',
      '?ids=' + crypto.randomUUID(),
    ]) {
      expect([query, await list(query)]).toMatchObject([query, { data: [], total: 0 }]);
    }
    await stack.http.send('DELETE', `/v1/reviews/${other}/claim`, { headers: { 'x-hitl-actor': 'ada' } });
    await clear();
  });

  it('finds what has no model, no rule or no group', async () => {
    const named = await waiting(chat('with a model', 'm1'));
    const nameless = await waiting({ input: 'without' });
    expect(await idsOf('?without=model')).toEqual([nameless]);
    for (const query of ['?without=rule', '?without=group']) {
      expect([query, await idsOf(query)]).toEqual([query, [named, nameless]]);
    }
    await clear();
  });

  it.each([
    '?limit=1001',
    '?limit=0',
    '?priority=10',
    '?priority=x',
    '?unclaimed=maybe',
    '?ids=x',
    `?ids=${Array.from({ length: 201 }, () => crypto.randomUUID()).join(',')}`,
    `?q=${'x'.repeat(201)}`,
    '?q=%00',
    '?q=a&q=b',
    '?cursor=x',
    '?colour=red',
    '?without=rules',
    '?without=model&model=a',
  ])('refuses %.30s', async (query) => {
    const { status, body } = await stack.http.get(`/v1/review-summaries${query}`);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });
});
