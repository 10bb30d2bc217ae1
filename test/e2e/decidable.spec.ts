import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, WAYS, type Stack } from '@hitl/testing';

const policyFor = (seniors: string): string => `version: 1
groups: { seniors: [${seniors}] }
rules:
  - name: large
    when: model == "large"
    group: seniors
    approvals: 2
    four_eyes: true
  - name: own
    when: model == "own"
    four_eyes: true
`;

describe.each(WAYS)('what a reviewer may decide on: $name', ({ way }) => {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-decidable-'));
  const file = join(folder, 'policy.yaml');
  let stack: Stack;
  let large: string;
  let own: string;
  let small: string;

  beforeAll(async () => {
    writeFileSync(file, policyFor('ana, ben, cleo'));
    stack = await startStack(way, { REVIEW_POLICY_FILE: file });
    const waiting = async (model: string): Promise<string> => {
      const headers = { 'x-hitl-actor': model === 'own' ? 'dora' : 'sue' };
      const { id } = await stack.submit({ model, messages: [{ role: 'user', content: 'hi' }] }, {}, headers);
      await until('planned', async () => (await stack.http.get(`/v1/reviews/${id}`)).body.review.planned);
      return id;
    };
    [large, own, small] = [await waiting('large'), await waiting('own'), await waiting('small')];
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true });
  });

  const as = (actor: string) => ({ headers: { 'x-hitl-actor': actor } });
  const shown = async (id: string, actor: string) =>
    (await stack.http.send('GET', `/v1/reviews/${id}`, as(actor))).body.not_decidable_because;
  const listed = async (path: string, actor: string) =>
    (await stack.http.send('GET', path, as(actor))).body.data.map(
      (row: { id: string; not_decidable_because: string | null }) => [row.id, row.not_decidable_because],
    );

  it('is shown with each review and on each line of both lists, and is what a decision meets', async () => {
    expect(await shown(large, 'ana')).toBeNull();
    expect(await shown(large, 'dora')).toBe('other_group');
    expect(await shown(own, 'dora')).toBe('four_eyes');
    for (const path of ['/v1/reviews', '/v1/review-summaries']) {
      expect(await listed(path, 'dora')).toEqual([
        [large, 'other_group'],
        [own, 'four_eyes'],
        [small, null],
      ]);
      expect(await listed(`${path}?decidable=true`, 'dora')).toEqual([[small, null]]);
      expect(await listed(`${path}?decidable=false&limit=1`, 'dora')).toEqual([[large, 'other_group']]);
    }
    const refused = await stack.decide(large, { verdict: 'approve' }, { 'x-hitl-actor': 'dora' });
    expect(refused).toMatchObject({ status: 403, body: { code: 'not_in_group' } });
  });

  it('changes with claims, votes, held decisions and their ends', async () => {
    await stack.http.send('PUT', `/v1/reviews/${large}/claim`, as('ben'));
    expect(await shown(large, 'ana')).toBe('claimed_by_other');
    const voted = await stack.decide(large, { verdict: 'approve' }, { 'x-hitl-actor': 'ben' });
    expect(voted.body.not_decidable_because).toBe('already_voted');
    expect(await shown(large, 'ana')).toBeNull();
    await stack.decide(large, { verdict: 'approve', undo_ms: 600_000 }, { 'x-hitl-actor': 'ana' });
    expect(await shown(large, 'cleo')).toBe('pending_decision');
    await stack.http.send('DELETE', `/v1/reviews/${large}/decision`, as('ana'));
    expect(await shown(large, 'cleo')).toBeNull();
    await stack.decide(large, { verdict: 'approve' }, { 'x-hitl-actor': 'ana' });
    expect(await shown(large, 'cleo')).toBe('ended');
  });

  it('follows the groups of the policy in force', async () => {
    const { id } = await stack.submit({ model: 'large', messages: [] });
    await until('planned', async () => (await stack.http.get(`/v1/reviews/${id}`)).body.review.planned);
    expect(await shown(id, 'dora')).toBe('other_group');
    writeFileSync(file, policyFor('dora, ben'));
    await until('dora may decide', async () => (await shown(id, 'dora')) === null);
    expect(await shown(id, 'ana')).toBe('other_group');
  });
});

describe('without the review service', () => {
  it('reviews can be read all the same, and a list of what one may decide on is refused', async () => {
    const stack = await startStack('services');
    try {
      const { id } = await stack.submit({ model: 'm', messages: [] });
      await stack.reaches(id, 'human');
      await stack.processes[2]!.kill();
      expect((await stack.http.get(`/v1/reviews/${id}`)).body.not_decidable_because).toBeNull();
      expect(await stack.http.get('/v1/reviews?decidable=true')).toMatchObject({
        status: 503,
        body: { code: 'unavailable' },
      });
    } finally {
      await stack.stop();
    }
  });
});
