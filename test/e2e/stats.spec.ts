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
});

describe('/v1/stats where a policy asks for more', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('services');
  });

  afterAll(() => stack.stop());

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
    expect((await stack.http.get('/v1/stats?group=finance')).body.agreement.double.pairs).toBe(0);
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
  });
});
