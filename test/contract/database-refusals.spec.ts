import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { aDecision, aJob, jobIn } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

/** SQL for the hash that the database itself computes. */
const hashOf = (json: string) => `hitl_content_hash('${json}')`;

describe.each(TEST_STORES)('$name itself refuses', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  /** The statement is refused by this constraint, and every row is as it was. */
  async function refused(by: string, sql: string, parameters?: unknown[]): Promise<void> {
    const before = await store.everything();
    // As the owner: whatever the application's role may not do at all is no concern of the constraints.
    await expect(store.asOwner(sql, parameters)).rejects.toMatchObject({ driverError: { constraint: by } });
    expect(await store.everything()).toEqual(before);
  }

  /** A decision written past the store; `hash` is SQL. */
  const insertDecision = (job: string, verdict: string, released: number | null, hash: string): string =>
    `INSERT INTO decisions (id, job_id, revision, verdict, actor, released_revision, released_hash)
     VALUES ('${randomUUID()}', '${job}', 1, '${verdict}', 'mallory', ${released}, ${hash})`;
  const release = `UPDATE jobs SET status = 'success', waiting_since = NULL, finished_at = now() WHERE id = $1`;

  describe('an unreviewed answer as', () => {
    it('a success without a decision', async () => {
      const id = await jobIn(store, 'human');
      await refused('jobs_released_by_decision', release, [id]);
    });

    it('a new job that is a success already', async () => {
      await refused(
        'jobs_released_by_decision',
        `INSERT INTO jobs (id, status, payload, response, revision, finished_at)
         VALUES ($1, 'success', '1', '"x"', 1, now())`,
        [randomUUID()],
      );
    });

    it('a success with a decision on other content', async () => {
      const id = await jobIn(store, 'human');
      await store.rows(insertDecision(id, 'approve', 1, hashOf('{"answer": 5}')));
      await refused('jobs_released_by_decision', release, [id]);
    });

    it('a success with a decision on another revision', async () => {
      const id = await jobIn(store, 'human');
      await store.rows(insertDecision(id, 'approve', 2, hashOf('{"answer": 4}')));
      await refused('jobs_released_by_decision', release, [id]);
    });

    it("a success with another job's decision", async () => {
      const [id, other] = [await jobIn(store, 'human'), await jobIn(store, 'success')];
      expect(await store.rows('SELECT 1 FROM decisions WHERE job_id = $1', [other])).toHaveLength(1);
      await refused('jobs_released_by_decision', release, [id]);
    });

    it('a success with a rejection', async () => {
      const id = await jobIn(store, 'human');
      await store.desk.decide(aDecision(id, { verdict: 'reject' }));
      await refused(
        'jobs_released_by_decision',
        `UPDATE jobs SET status = 'success', failure_reason = NULL, failure_detail = NULL WHERE id = $1`,
        [id],
      );
    });

    it.each(['reject', 'regenerate'])('a decision %s that releases', async (verdict) => {
      const id = await jobIn(store, 'human');
      await refused(
        'decisions_release_only_what_was_approved',
        insertDecision(id, verdict, 1, hashOf('{"answer": 4}')),
      );
    });

    it('an approval that does not say of what content', async () => {
      const id = await jobIn(store, 'human');
      for (const [released, hash] of [
        [1, 'NULL'],
        [null, hashOf('1')],
        [null, 'NULL'],
      ] as const) {
        await refused(
          'decisions_release_only_what_was_approved',
          insertDecision(id, 'approve', released, hash),
        );
      }
    });
  });

  describe('a decision that is', () => {
    const faults = [
      ['a record only, but final', 'decisions_shadow_decides_nothing', [true, true, true, 'x']],
      ["a record only, but a person's", 'decisions_shadow_decides_nothing', [false, false, true, 'x']],
      ["a policy's without a rule", 'decisions_automatic_has_a_rule', [true, true, false, null]],
    ] as const;
    it.each(faults)('%s', async (_name, constraint, values) => {
      const id = await jobIn(store, 'human');
      await refused(
        constraint,
        `INSERT INTO decisions (id, job_id, revision, verdict, actor, final, automatic, shadow, rule, policy_hash)
         VALUES ($1, $2, 1, 'reject', 'mallory', $3, $4, $5, $6, $6)`,
        [randomUUID(), id, ...values],
      );
    });

    it('a vote, not the last one, that releases', async () => {
      const id = await jobIn(store, 'human');
      await refused(
        'decisions_release_only_what_was_approved',
        `INSERT INTO decisions (id, job_id, revision, verdict, actor, final, released_revision, released_hash)
         VALUES ($1, $2, 1, 'approve', 'mallory', false, 1, ${hashOf('{"answer": 4}')})`,
        [randomUUID(), id],
      );
    });
  });

  describe('about a successful job', () => {
    const changes = {
      'another response': `UPDATE jobs SET response = '"other"'`,
      'another revision': 'UPDATE jobs SET revision = 2',
      'the deletion of its decision': 'DELETE FROM decisions',
      'another hash in its decision': `UPDATE decisions SET released_hash = ${hashOf('1')}`,
      'its decision given to another revision': 'UPDATE decisions SET released_revision = 2',
    };
    it.each(Object.entries(changes))('%s', async (_name, sql) => {
      await jobIn(store, 'success');
      await refused('jobs_released_by_decision', sql);
    });

    it('no response at all', async () => {
      await jobIn(store, 'success');
      await refused('jobs_success_has_an_answer', 'UPDATE jobs SET response = NULL');
    });

    it('an approval that turns into a rejection', async () => {
      await jobIn(store, 'success');
      await refused('decisions_release_only_what_was_approved', `UPDATE decisions SET verdict = 'reject'`);
    });

    it('a hash of our own making', async () => {
      await jobIn(store, 'success');
      const before = await store.everything();
      await expect(store.rows(`UPDATE jobs SET released_hash = ${hashOf('1')}`)).rejects.toThrow(
        /released_hash.*can only be updated to DEFAULT/,
      );
      expect(await store.everything()).toEqual(before);
    });

    it('a decision on a job that there is not', async () => {
      await refused('decisions_job_id_fkey', insertDecision(randomUUID(), 'reject', null, 'NULL'));
    });
  });

  describe('a job that cannot be', () => {
    const faults: [string, 'bot' | 'human' | 'success' | 'fail', string, string][] = [
      ['human without an answer', 'human', 'jobs_human_has_an_answer', 'response = NULL'],
      ['human with revision 0', 'human', 'jobs_human_has_an_answer', 'revision = 0'],
      ['bot with an answer', 'bot', 'jobs_bot_can_go_on', `response = '1'`],
      ['bot that nobody would ever ring for', 'bot', 'jobs_bot_can_go_on', 'next_kick_at = NULL'],
      ['fail without a reason', 'fail', 'jobs_fail_has_a_reason', 'failure_reason = NULL'],
      ['human with a failure', 'human', 'jobs_fail_has_a_reason', `failure_reason = 'expired'`],
      ['fail for an unknown reason', 'fail', 'jobs_failure_reason_check', `failure_reason = 'mood'`],
      ['success without an end', 'success', 'jobs_final_has_an_end', 'finished_at = NULL'],
      ['fail without an end', 'fail', 'jobs_final_has_an_end', 'finished_at = NULL'],
      ['human that has ended', 'human', 'jobs_final_has_an_end', 'finished_at = now()'],
      ['human with a lease', 'human', 'jobs_lease_only_in_bot', 'lease_token = id'],
      ['human with the end of a lease', 'human', 'jobs_lease_only_in_bot', 'lease_until = now()'],
      ['fail with a kick', 'fail', 'jobs_lease_only_in_bot', 'next_kick_at = now()'],
      ['an unknown status', 'bot', 'jobs_status_check', `status = 'done', next_kick_at = NULL`],
      ['human since nobody knows when', 'human', 'jobs_human_waits', 'waiting_since = NULL'],
      ['bot that waits for a person', 'bot', 'jobs_human_waits', 'waiting_since = now()'],
      ['bot with a reminder', 'bot', 'jobs_desk_only_in_human', 'remind_at = now()'],
      ['fail with an escalation', 'fail', 'jobs_desk_only_in_human', 'escalate_at = now()'],
      [
        'fail with a deadline',
        'fail',
        'jobs_desk_only_in_human',
        `deadline_at = now(), on_deadline = 'fail'`,
      ],
      [
        'success with a claim',
        'success',
        'jobs_desk_only_in_human',
        `claimed_by = 'ann', claimed_at = now(), claimed_until = now(), claim_id = id`,
      ],
      [
        'success with a held decision',
        'success',
        'jobs_desk_only_in_human',
        `held_decision = '{}', held_until = now()`,
      ],
      ['human with a part of a claim', 'human', 'jobs_claim_is_whole', `claimed_by = 'ann'`],
      ['human with a held decision for ever', 'human', 'jobs_held_is_whole', `held_decision = '{}'`],
      ['human with a deadline without an end', 'human', 'jobs_deadline_has_an_end', 'deadline_at = now()'],
      ['a deadline that ends otherwise', 'human', 'jobs_on_deadline_check', `on_deadline = 'reject'`],
      ['human that nobody needs to approve', 'human', 'jobs_approvals_check', 'approvals = 0'],
      ['a negative revision', 'bot', 'jobs_revision_check', 'revision = -1'],
      ['a priority out of range', 'bot', 'jobs_priority_check', 'priority = 10'],
    ];
    it.each(faults)('%s', async (_name, status, constraint, change) => {
      await jobIn(store, status);
      await refused(constraint, `UPDATE jobs SET ${change}`);
    });

    it('two jobs whose held decisions have one id', async () => {
      await Promise.all([jobIn(store, 'human'), jobIn(store, 'human')]);
      await refused('jobs_held_once', `UPDATE jobs SET held_decision = '{"id": "x"}', held_until = now()`);
    });

    it('an unknown verdict', async () => {
      const id = await jobIn(store, 'human');
      await refused('decisions_verdict_check', insertDecision(id, 'maybe', null, 'NULL'));
    });

    it('a job without a payload', async () => {
      const { id } = aJob();
      const before = await store.everything();
      await expect(
        store.rows(`INSERT INTO jobs (id, status, payload, next_kick_at) VALUES ($1, 'bot', NULL, now())`, [
          id,
        ]),
      ).rejects.toMatchObject({ driverError: { column: 'payload' } });
      expect(await store.everything()).toEqual(before);
    });
  });
});
