import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, WAYS, type Answer, type Stack } from '@hitl/testing';

const folder = mkdtempSync(join(tmpdir(), 'hitl-policy-'));
const file = join(folder, 'policy.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

const POLICY = `
version: 1
groups: { seniors: [sue, sam] }
reject_reasons: [{ code: wrong, label: Wrong }]
rules:
  - { name: fine, when: 'model == "fine"', outcome: approve }
  - { name: never, when: 'model == "never"', outcome: reject, submitter_message: Not this. }
  - { name: broken, when: 'model == "broken" && payload.nothing.here == 1', outcome: approve }
  - { name: rest-of-broken, when: 'model == "broken"', outcome: approve }
  - { name: two, when: 'model == "two"', approvals: 2, escalate_to: seniors }
  - { name: eyes, when: 'model == "eyes"', four_eyes: true }
  - { name: senior, when: 'model == "senior"', group: seniors }
  - { name: watched, when: 'model == "watched"', outcome: reject, shadow: true }
  - { name: soon, when: 'model == "soon"', remind_after: 1s, deadline: 2s }
  - { name: lenient, when: 'model == "lenient"', deadline: 1s, on_deadline: approve }
  - { name: slow, when: 'model == "slow"', deadline: 1h, on_deadline: approve, deadline_grace: 5m }
`;

describe.each(WAYS)('a policy in force: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    writeFileSync(file, POLICY);
    stack = await startStack(way, { REVIEW_POLICY_FILE: file });
  });

  afterAll(() => stack.stop());

  const submit = async (model: string, actor = 'zoe'): Promise<string> => {
    const payload = { model, messages: [{ role: 'user', content: 'hi' }] };
    const { body } = await stack.http.post('/v1/jobs', { payload }, { 'x-hitl-actor': actor });
    return body.id;
  };
  const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;
  const history = async (id: string) => (await stack.http.get(`/v1/reviews/${id}/history`)).body;
  const decide = (id: string, actor: string, decision: object = { verdict: 'approve' }): Promise<Answer> =>
    stack.decide(id, decision, { 'x-hitl-actor': actor });
  const planned = (id: string) =>
    until(`the plan of ${id}`, async () => {
      const job = await review(id);
      return job.review.planned && job;
    });
  const events = async (id: string): Promise<string[]> =>
    (await history(id)).events.map(({ type }: { type: string }) => type);

  it('says what ends the wait, when, and when at the latest', async () => {
    const { id } = await planned(await submit('slow'));
    const { review: state } = await review(id);
    expect(state.automatic_step).toEqual({
      outcome: 'approve',
      at: state.deadline_at,
      halted: false,
      latest_at: new Date(Date.parse(state.deadline_at) + 300_000).toISOString(),
    });
    const [line] = (await stack.http.get(`/v1/review-summaries?ids=${id}`)).body.data;
    expect(line.automatic_step).toEqual(state.automatic_step);
    expect((await decide(id, 'ann', { verdict: 'reject', undo_ms: 600_000 })).status).toBe(200);
    expect((await review(id)).review.automatic_step).toBeNull();
  });

  it('approves by a decision that names the rule and the policy', async () => {
    const id = await submit('fine');
    expect(await stack.reaches(id, 'success')).toMatchObject({ response: expect.anything(), edited: false });
    const { hash } = (await stack.http.get('/v1/policies/current')).body;
    expect((await history(id)).decisions).toMatchObject([
      {
        verdict: 'approve',
        actor: 'policy:fine',
        automatic: true,
        final: true,
        rule: 'fine',
        policy_hash: hash,
      },
    ]);
  });

  it('rejects, with what the submitter may read', async () => {
    const id = await submit('never');
    expect(await stack.reaches(id, 'fail')).toMatchObject({
      response: null,
      failure: { reason: 'rejected', detail: 'Not this.' },
    });
  });

  it('leaves it to a human when a rule cannot be followed, and no later rule decides', async () => {
    const id = await submit('broken');
    expect(await planned(id)).toMatchObject({ status: 'human', review: { rule: null } });
    const { events: all, decisions } = await history(id);
    expect(decisions).toEqual([]);
    expect(all.find(({ type }: { type: string }) => type === 'planned').data.because).toMatch(
      /^rule broken: /,
    );
  });

  it('wants two different people where it says so', async () => {
    const id = await submit('two');
    expect(await planned(id)).toMatchObject({ review: { rule: 'two', approvals: 2 } });
    expect((await decide(id, 'ana')).body).toMatchObject({
      status: 'human',
      review: { approved_by: ['ana'] },
    });
    expect((await decide(id, 'ana')).body).toMatchObject({ status: 409, code: 'already_voted' });
    expect((await stack.http.get(`/v1/jobs/${id}`)).body.response).toBeNull();
    expect((await decide(id, 'ben')).body).toMatchObject({ status: 'success' });
    expect(await events(id)).toEqual(['submitted', 'inferred', 'planned', 'voted', 'decided']);
  });

  it('hands a job that people disagree about to the group that it names', async () => {
    const id = await submit('two');
    await planned(id);
    await decide(id, 'ana');
    expect((await decide(id, 'ben', { verdict: 'reject', reason_code: 'wrong' })).body).toMatchObject({
      status: 'human',
      review: {
        approved_by: ['ana'],
        rejected_by: ['ben'],
        group: 'seniors',
        escalated_at: expect.any(String),
      },
    });
    expect((await decide(id, 'carl')).body).toMatchObject({ status: 403, code: 'not_in_group' });
    expect((await decide(id, 'sue')).body).toMatchObject({ status: 'success' });
    expect(await events(id)).toEqual([
      'submitted',
      'inferred',
      'planned',
      'voted',
      'voted',
      'escalated',
      'decided',
    ]);
  });

  it('keeps the submitter from judging under four eyes', async () => {
    const id = await submit('eyes', 'eve');
    await planned(id);
    expect((await decide(id, 'eve')).body).toMatchObject({ status: 403, code: 'own_submission' });
    const claim = await stack.http.send('PUT', `/v1/reviews/${id}/claim`, {
      headers: { 'x-hitl-actor': 'eve' },
    });
    expect(claim.body).toMatchObject({ code: 'own_submission' });
    expect((await decide(id, 'ana')).body).toMatchObject({ status: 'success' });
  });

  it("gives a group's job only to its members", async () => {
    const id = await submit('senior');
    await planned(id);
    expect((await decide(id, 'ana')).body).toMatchObject({ code: 'not_in_group' });
    const claimNext = (actor: string) =>
      stack.http.post('/v1/reviews/claim-next', undefined, { 'x-hitl-actor': actor });
    for (let next = await claimNext('ana'); next.status === 200; next = await claimNext('ana')) {
      expect(next.body.id).not.toBe(id);
    }
    const mine = await until('the job of the seniors', async () => {
      const { body } = await claimNext('sam');
      return body?.id === id && body;
    });
    expect(mine.review).toMatchObject({ group: 'seniors', claim: { by: 'sam' } });
    expect((await decide(id, 'sam')).body).toMatchObject({ status: 'success' });
  });

  it('reminds, and ends the wait at the deadline', async () => {
    const id = await submit('soon');
    expect(await stack.reaches(id, 'fail')).toMatchObject({
      response: null,
      failure: { reason: 'expired', detail: expect.stringMatching(/^nobody decided by \d{4}-/) },
    });
    const all = await events(id);
    expect(all.at(-1)).toBe('expired');
    expect(all.filter((type) => type === 'reminded').length).toBeLessThanOrEqual(1);
  });

  it('approves at the deadline only where it says so in so many words', async () => {
    const id = await submit('lenient');
    await stack.reaches(id, 'success');
    expect((await history(id)).decisions).toMatchObject([
      { actor: 'policy:lenient', automatic: true, verdict: 'approve', rule: 'lenient' },
    ]);
  });

  it('never decides on an answer that a person has asked for', async () => {
    const id = await submit('plain');
    await planned(id);
    const payload = { model: 'fine', messages: [{ role: 'user', content: 'hi' }] };
    await decide(id, 'ana', { verdict: 'regenerate', payload });
    const again = await until('the new answer', async () => {
      const job = await review(id);
      return job.revision === 2 && job.review.planned && job;
    });
    expect(again).toMatchObject({ status: 'human', review: { rule: 'fine' } });
    expect((await decide(id, 'ana')).body).toMatchObject({ status: 'success' });
  });

  it('refuses a reason that it does not list', async () => {
    const id = await submit('plain');
    await planned(id);
    expect((await decide(id, 'ana', { verdict: 'reject', reason_code: 'mood' })).body).toMatchObject({
      status: 400,
      detail: expect.stringContaining('wrong'),
    });
    await decide(id, 'ana', { verdict: 'reject', reason_code: 'wrong' });
  });

  it('records what it would have decided, where it only watches', async () => {
    const id = await submit('watched');
    expect(await planned(id)).toMatchObject({ status: 'human', review: { rule: 'watched' } });
    await decide(id, 'ana');
    expect((await history(id)).decisions).toMatchObject([
      { verdict: 'reject', shadow: true, automatic: true, final: false, actor: 'policy:watched' },
      { verdict: 'approve', shadow: false, automatic: false, final: true, actor: 'ana' },
    ]);
  });

  if (way !== 'services') return;

  describe('where an answer has no plan yet', () => {
    beforeAll(async () => {
      writeFileSync(file, POLICY);
      // No look within the test: only the message and the commands themselves write plans.
      await stack.restart('review-service', { RECONCILE_INTERVAL_MS: '60000' });
    });

    /** A job as a review service finds it whose message has not come yet. */
    async function unplanned(model: string, since = 'now()'): Promise<string> {
      const { id } = await stack.submit({ model, messages: [{ role: 'user', content: 'hi' }] });
      await until('the plan', async () => (await stack.http.get(`/v1/reviews/${id}`)).body.review.planned);
      await stack.database.query(
        `UPDATE jobs SET planned_at = NULL, rule = NULL, policy_hash = NULL, approvals = 1, four_eyes = false, waiting_since = ${since}
         WHERE id = $1`,
        [id],
      );
      return id;
    }

    it('has its plan written by the decision that comes first, which is then one of two', async () => {
      const id = await unplanned('two');
      const { body } = await stack.decide(id, { verdict: 'approve' });
      expect(body).toMatchObject({ status: 'human', review: { approvals: 2, approved_by: ['local'] } });
    });

    it('has its plan written by the claim that comes first', async () => {
      const id = await unplanned('senior');
      const { body } = await stack.http.send('PUT', `/v1/reviews/${id}/claim`);
      expect(body).toMatchObject({ code: 'not_in_group' });
    });

    it('is not what claim-next gives', async () => {
      const id = await unplanned('two');
      const { status, body } = await stack.http.post('/v1/reviews/claim-next');
      expect([status, body?.id]).not.toEqual([200, id]);
    });

    it('is found when its message was lost', async () => {
      const id = await unplanned('two', "now() - interval '1 minute'");
      await stack.restart('review-service');
      const planned = async () => (await stack.http.get(`/v1/reviews/${id}`)).body.review;
      expect(await until('the plan', async () => (await planned()).planned && planned())).toMatchObject({
        rule: 'two',
        approvals: 2,
      });
    });
  });
});
