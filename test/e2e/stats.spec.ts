import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, WAYS, type Stack } from '@hitl/testing';

const as = (actor: string) => ({ 'x-hitl-actor': actor });
const NONE = { approve: 0, edit: 0, reject: 0, regenerate: 0 };

describe.each(WAYS)('/v1/stats: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way);
  });

  afterAll(() => stack.stop());

  const stats = async (query = ''): Promise<any> => {
    const { status, body } = await stack.http.get(`/v1/stats${query}`);
    expect(status).toBe(200);
    return body;
  };
  const listed = async (query: string): Promise<any[]> => {
    const { status, body } = await stack.http.get(`/v1/decisions?${query}`);
    expect(status).toBe(200);
    return body.data;
  };
  async function waiting(model: string): Promise<any> {
    const { id } = await stack.submit({ model, messages: [{ role: 'user', content: 'hi' }] });
    return stack.reaches(id, 'human');
  }

  it('counts nothing where nothing has happened', async () => {
    const { throughput, window, ...rest } = await stats();
    expect(new Date(window.to).getTime() - new Date(window.from).getTime()).toBe(7 * 86_400_000);
    expect(throughput).toHaveLength(84);
    for (const part of throughput) expect(part).toEqual({ ...NONE, expired: 0, at: expect.any(String) });
    const empty = { total: NONE, by_model: [], by_rule: [] };
    expect(rest).toEqual({
      waiting: { count: 0, oldest_since: null, by_group: [] },
      decided: 0,
      time_to_claim_ms: { p50: null, p90: null },
      time_to_decide_ms: { p50: null, p90: null },
      verdicts: { ...empty, by_reviewer: [], automatic: empty },
      edit_distance: { mean: null, p50: null, p90: null },
      agreement: {
        double: { pairs: 0, agreed: 0, kappa: null },
        shadow: { pairs: 0, agreed: 0, kappa: null },
      },
      deadlines: { expired: 0, approved_at_deadline: 0 },
    });
  });

  it('counts verdicts by model and reviewer, and what waits', async () => {
    for (const [model, actor, decision] of [
      ['large', 'ann', { verdict: 'approve' }],
      ['large', 'ann', { verdict: 'reject' }],
      ['large', 'bob', { verdict: 'edit', response: 'mine' }],
      ['small', 'bob', { verdict: 'approve' }],
    ] as const) {
      const { id } = await waiting(model);
      await stack.decide(id, decision, as(actor));
    }
    const oldest = await waiting('small');
    await stack.decide(oldest.id, { verdict: 'regenerate' }, as('bob'));
    const left = await stack.reaches(oldest.id, 'human');
    const all = await stats();
    expect(all.decided).toBe(5);
    expect(all.verdicts).toMatchObject({
      total: { approve: 2, edit: 1, reject: 1, regenerate: 1 },
      by_model: [
        { ...NONE, model: 'large', approve: 1, edit: 1, reject: 1 },
        { ...NONE, model: 'small', approve: 1, regenerate: 1 },
      ],
      by_rule: [{ rule: null, approve: 2, edit: 1, reject: 1, regenerate: 1 }],
      by_reviewer: [
        { ...NONE, reviewer: 'bob', approve: 1, edit: 1, regenerate: 1 },
        { ...NONE, reviewer: 'ann', approve: 1, reject: 1 },
      ],
    });
    expect(all.waiting).toEqual({
      count: 1,
      oldest_since: left.updated_at,
      by_group: [{ group: null, count: 1 }],
    });
    expect(all.time_to_decide_ms.p50).toBeGreaterThan(0);
    expect(all.time_to_decide_ms.p90).toBeGreaterThanOrEqual(all.time_to_decide_ms.p50);
    const last = all.throughput.at(-1);
    expect(last).toMatchObject({ approve: 2, edit: 1, reject: 1, regenerate: 1, expired: 0 });
    const small = await stats('?model=small');
    expect([small.decided, small.waiting.count]).toEqual([2, 1]);
    const large = await stats('?model=large');
    expect([large.decided, large.waiting.count]).toEqual([3, 0]);
    expect((await stats('?group=legal')).decided).toBe(0);
    expect((await stats(`?to=${last.at}`)).decided).toBe(0);
  });

  it('counts decisions that /v1/decisions lists', async () => {
    const { body: all } = await stack.http.get('/v1/stats');
    const { verdicts, throughput } = all;
    expect(await listed('final=true')).toHaveLength(all.decided);
    expect(await listed('by=people&verdict=approve')).toHaveLength(verdicts.total.approve);
    expect(await listed('by=people&model=large&verdict=edit')).toHaveLength(1);
    expect(await listed('by=people&reviewer=bob')).toHaveLength(3);
    expect(await listed('by=policy')).toEqual([]);
    expect(await listed(`from=${throughput.at(-1).at}`)).toHaveLength(all.decided);
    expect(await listed(`to=${throughput.at(-1).at}`)).toEqual([]);
    expect(await listed('group=legal')).toEqual([]);
    expect(await listed('by=people&without=rule')).toHaveLength(all.decided);
    expect(await listed('without=model')).toEqual([]);
    const [newest] = await listed('limit=1');
    expect(newest).toEqual({
      id: expect.any(String),
      job_id: expect.any(String),
      asked: 'hi',
      job_status: 'human',
      verdict: 'regenerate',
      final: true,
      automatic: false,
      at_deadline: false,
      actor: 'bob',
      model: 'small',
      rule: null,
      group: null,
      reason_code: null,
      edit_distance: null,
      paired_with: null,
      at: expect.any(String),
    });
  });

  it('counts and lists decisions that have no model', async () => {
    for (const payload of [{ input: 'hi' }, { model: '' }]) {
      const { id } = await stack.submit(payload);
      await stack.reaches(id, 'human');
      await stack.decide(id, { verdict: 'approve' }, as('ann'));
    }
    const { verdicts } = await stats();
    expect(verdicts.by_model).toContainEqual({ ...NONE, model: null, approve: 2 });
    expect(verdicts.by_model).toHaveLength(3);
    expect(await listed('without=model')).toHaveLength(2);
    expect(await listed('without=model&verdict=reject')).toEqual([]);
  });

  it('lists each decision once, page by page, newest first', async () => {
    const all = await listed('limit=200');
    const pages: any[] = [];
    let cursor = '';
    do {
      const { body } = await stack.http.get(`/v1/decisions?limit=2${cursor}`);
      expect(body.has_more).toBe(body.next_cursor !== null);
      pages.push(...body.data);
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    expect(pages).toEqual(all);
    expect(all.map(({ at }: any) => at)).toEqual(
      all
        .map(({ at }: any) => at)
        .sort()
        .reverse(),
    );
  });

  it.each([
    ['verdict=maybe', 'verdict'],
    ['by=me', 'by'],
    ['final=1', 'final'],
    ['missed_deadline=yes', 'missed_deadline'],
    ['pairs=triple', 'pairs'],
    ['without=group', 'without'],
    ['without=model&model=large', 'without'],
    ['from=now', 'from'],
    ['limit=201', 'limit'],
    ['status=human', 'status'],
    [
      `cursor=${Buffer.from('{"at":"now","id":"00000000-0000-7000-8000-000000000000"}').toString('base64url')}`,
      'cursor',
    ],
    [`cursor=${Buffer.from('{"at":"2026-01-01T00:00:00+00:00","id":"x"}').toString('base64url')}`, 'cursor'],
  ])('refuses to list decisions with %s', async (query, parameter) => {
    const { status, body } = await stack.http.get(`/v1/decisions?${query}`);
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', parameter]);
  });

  it.each([
    ['?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', 'from'],
    ['?from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:01Z', 'from'],
    ['?from=now', 'from'],
    ['?group=', 'group'],
    ['?days=7', 'days'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await stack.http.get(`/v1/stats${query}`);
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', parameter]);
  });

  if (way !== 'services') return;

  describe('where a policy asks for more', () => {
    /** A job that was approved or rejected by `ann`, in the group legal. */
    async function decided(verdict: 'approve' | 'reject'): Promise<string> {
      const { id } = await stack.submit({ model: 'm' });
      await stack.reaches(id, 'human');
      await stack.decide(id, { verdict }, as('ann'));
      await stack.database.query(`UPDATE jobs SET review_group = 'legal' WHERE id = $1`, [id]);
      return id;
    }
    /** Another decision on the same revision, a moment before the one that is there. */
    const before = (jobId: string, verdict: string, shadow: boolean) =>
      stack.database.query(
        `INSERT INTO decisions (id, job_id, revision, verdict, actor, final, automatic, shadow, approvals, rule, policy_hash, model, created_at)
         SELECT gen_random_uuid(), job_id, revision, $2, CASE WHEN $3 THEN 'policy:r' ELSE 'bob' END, false, $3, $3, 2, 'r', 'abc', model,
                created_at - interval '1 millisecond'
         FROM decisions WHERE job_id = $1 AND final`,
        [jobId, verdict, shadow],
      );

    it('measures how often two people, and people and the policy, agree', async () => {
      // Two people: approve-approve, reject-approve, reject-reject. Kappa: po 2/3, pe (1/3 * 2/3 + 2/3 * 1/3) = 4/9, 0.4.
      for (const [first, last] of [
        ['approve', 'approve'],
        ['reject', 'approve'],
        ['reject', 'reject'],
      ] as const) {
        const id = await decided(last);
        await stack.database.query('UPDATE decisions SET approvals = 2 WHERE job_id = $1', [id]);
        await before(id, first, false);
      }
      // The policy: it would have approved all of these.
      for (const verdict of ['approve', 'approve', 'reject'] as const)
        await before(await decided(verdict), 'approve', true);
      const { body } = await stack.http.get('/v1/stats?group=legal');
      expect(body.agreement).toEqual({
        double: { pairs: 3, agreed: 2, kappa: 0.4 },
        shadow: { pairs: 3, agreed: 2, kappa: 0 },
      });
      expect(body.decided).toBe(6);
      expect(body.verdicts.total).toEqual({ ...NONE, approve: 5, reject: 4 });
      expect(body.verdicts.automatic.total).toEqual(NONE);
      // Votes are decisions, too; what a shadowed rule would have decided is none.
      expect(await listed('group=legal')).toHaveLength(9);
      expect(await listed('group=legal&final=true')).toHaveLength(6);
      expect((await stack.http.get('/v1/stats?group=finance')).body.agreement.double.pairs).toBe(0);
    });

    it('lists the pairs that an agreement was measured from', async () => {
      const pairs = (rows: any[]) =>
        rows.map(({ actor, verdict, paired_with: other }) => [
          actor,
          verdict,
          other.actor,
          other.verdict,
          other.shadow,
        ]);
      expect(pairs(await listed('group=legal&pairs=double'))).toEqual([
        ['ann', 'reject', 'bob', 'reject', false],
        ['ann', 'approve', 'bob', 'reject', false],
        ['ann', 'approve', 'bob', 'approve', false],
      ]);
      expect(pairs(await listed('group=legal&pairs=shadow'))).toEqual([
        ['ann', 'reject', 'policy:r', 'approve', true],
        ['ann', 'approve', 'policy:r', 'approve', true],
        ['ann', 'approve', 'policy:r', 'approve', true],
      ]);
      expect(await listed('group=legal&pairs=double&verdict=reject')).toHaveLength(1);
      expect(await listed('group=finance&pairs=double')).toEqual([]);
      const { body: first } = await stack.http.get('/v1/decisions?group=legal&pairs=double&limit=2');
      const { body: rest } = await stack.http.get(
        `/v1/decisions?group=legal&pairs=double&limit=2&cursor=${first.next_cursor}`,
      );
      expect(pairs([...first.data, ...rest.data])).toEqual(pairs(await listed('group=legal&pairs=double')));
      expect(rest.has_more).toBe(false);
    });

    it('pairs the first two people of the window, each with the first that they said', async () => {
      const id = await decided('approve');
      await stack.database.query('UPDATE decisions SET approvals = 2 WHERE job_id = $1', [id]);
      const [{ at }] = await listed('limit=1');
      await stack.database.query(
        `INSERT INTO decisions (id, job_id, revision, verdict, actor, final, automatic, shadow, approvals, model, created_at)
         SELECT gen_random_uuid(), job_id, revision, v.verdict, v.actor, false, false, false, 2, model, created_at - v.ago * interval '1 ms'
         FROM decisions, (VALUES ('approve', 'cat', 3), ('reject', 'cat', 2), ('reject', 'bob', 1)) v (verdict, actor, ago)
         WHERE job_id = $1`,
        [id],
      );
      for (const [ago, expected] of [
        [3, ['bob', 'reject', 'cat', 'approve']],
        [2, ['bob', 'reject', 'cat', 'reject']],
        [1, ['ann', 'approve', 'bob', 'reject']],
        [0, null],
      ] as const) {
        const from = `from=${new Date(new Date(at).getTime() - ago).toISOString()}`;
        const rows = await listed(`${from}&pairs=double`);
        const pairs = rows.map(({ actor, verdict, paired_with: other }) => [
          actor,
          verdict,
          other.actor,
          other.verdict,
        ]);
        expect([ago, pairs]).toEqual([ago, expected ? [expected] : []]);
        expect((await stats(`?${from}`)).agreement.double.pairs).toBe(pairs.length);
      }
    });

    it('goes on listing where a filter lets little through', async () => {
      const id = await decided('approve');
      const { id: expired } = await stack.submit({ model: 'old' });
      await stack.reaches(expired, 'human');
      await stack.database.query(
        `UPDATE jobs SET status = 'fail', failure_reason = 'expired', finished_at = now() - interval '1 minute', waiting_since = NULL
         WHERE id = $1`,
        [expired],
      );
      await stack.database.query(
        `INSERT INTO decisions (id, job_id, revision, verdict, actor, final, automatic, shadow, approvals, model, created_at)
         SELECT gen_random_uuid(), job_id, revision, 'reject', CASE n WHEN 6000 THEN 'rare' ELSE 'ann' END, false, false, false, 1, model,
                created_at - n * interval '1 microsecond'
         FROM decisions, generate_series(1, 6000) n WHERE job_id = $1`,
        [id],
      );
      const first = (await stack.http.get('/v1/decisions?reviewer=rare')).body;
      expect(first).toMatchObject({ data: [], has_more: true });
      const second = (await stack.http.get(`/v1/decisions?reviewer=rare&cursor=${first.next_cursor}`)).body;
      expect(second).toMatchObject({ data: [{ actor: 'rare', job_id: id }], has_more: false });
      const missed = (await stack.http.get('/v1/decisions?missed_deadline=true')).body;
      expect(missed).toMatchObject({ data: [], has_more: true });
      const further = (
        await stack.http.get(`/v1/decisions?missed_deadline=true&cursor=${missed.next_cursor}`)
      ).body;
      expect(further).toMatchObject({ data: [{ verdict: 'expired', job_id: expired }], has_more: false });
    });

    it('counts deadlines that passed, and the time until a claim', async () => {
      const model = 'late';
      const job = async () => {
        const { id } = await stack.submit({ model });
        await stack.reaches(id, 'human');
        return id as string;
      };
      const [expired, approved, claimed] = [await job(), await job(), await job()];
      await stack.database.query(
        `UPDATE jobs SET status = 'fail', failure_reason = 'expired', finished_at = now(), waiting_since = NULL WHERE id = $1`,
        [expired],
      );
      await stack.decide(approved, { verdict: 'approve' });
      await stack.database.query(
        `UPDATE decisions SET automatic = true, at_deadline = true, rule = 'r', policy_hash = 'abc' WHERE job_id = $1`,
        [approved],
      );
      await stack.decide(claimed, { verdict: 'edit', response: 'mine' });
      await stack.database.query(
        `UPDATE decisions SET waiting_since = created_at - interval '5 s', claimed_at = created_at - interval '2 s', edit_distance = 0.25
         WHERE job_id = $1`,
        [claimed],
      );
      const { body } = await stack.http.get(`/v1/stats?model=${model}`);
      expect(body).toMatchObject({
        deadlines: { expired: 1, approved_at_deadline: 1 },
        time_to_claim_ms: { p50: 3000, p90: 3000 },
        time_to_decide_ms: { p50: 5000, p90: 5000 },
        edit_distance: { mean: 0.25, p50: 0.25, p90: 0.25 },
        verdicts: {
          total: { ...NONE, edit: 1 },
          automatic: { total: { ...NONE, approve: 1 }, by_rule: [{ ...NONE, rule: 'r', approve: 1 }] },
        },
      });
      expect(body.throughput.at(-1)).toMatchObject({ approve: 1, edit: 1, expired: 1 });
      const jobs = async (query: string) => (await listed(query)).map(({ job_id }) => job_id);
      expect(await jobs(`model=${model}&verdict=expired`)).toEqual([expired]);
      expect(await jobs(`model=${model}&at_deadline=true&final=true`)).toEqual([approved]);
      expect(await jobs(`model=${model}&by=policy`)).toEqual([approved]);
      const missed = `model=${model}&missed_deadline=true`;
      expect(await jobs(missed)).toEqual([approved, expired]);
      expect(await jobs(`${missed}&verdict=expired`)).toEqual([expired]);
      const { body: first } = await stack.http.get(`/v1/decisions?${missed}&limit=1`);
      expect(first.data.map(({ job_id }: any) => job_id)).toEqual([approved]);
      expect(await jobs(`${missed}&cursor=${first.next_cursor}`)).toEqual([expired]);
    });
  });
});
