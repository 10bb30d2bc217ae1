import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { StatsReader } from '@hitl/domain';
import { TEST_STORES, type TestStore } from './store';

const JOBS = 600;

describe.each(TEST_STORES)('the counts of what waits, on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  /** What the statistics say, and what there is. */
  async function waiting(): Promise<{ told: unknown; there: unknown }> {
    const window = { from: new Date(Date.now() - 60_000), to: new Date() };
    const { waiting: told } = await new StatsReader(store.database).read({ project: 'default' }, window);
    const byGroup = await store.rows<{ group: string | null; count: number }>(
      `SELECT nullif(review_group, '') AS group, count(*)::int FROM jobs WHERE status = 'human' GROUP BY review_group ORDER BY count(*) DESC`,
    );
    const [oldest] = await store.rows<{ at: Date | null }>(
      "SELECT min(waiting_since) AS at FROM jobs WHERE status = 'human'",
    );
    const count = byGroup.reduce((sum, group) => sum + group.count, 0);
    return { told, there: { count, oldestSince: oldest?.at ?? null, byGroup } };
  }

  const rowsOfCounts = async (): Promise<number> =>
    (await store.rows<{ count: number }>('SELECT count(*)::int FROM waiting_counts'))[0]?.count ?? NaN;

  it('are right whatever statement makes a job wait, moves it, ends it or deletes it, and stay short', async () => {
    const jobs = (numbers: string): string => `right(id::text, 3)::int ${numbers}`;
    const changes = [
      `INSERT INTO jobs (id, status, payload, response, revision, waiting_since)
       SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'human', '1', '2', 1, now() - n * interval '1 second'
       FROM generate_series(1, ${JOBS}) n`,
      `UPDATE jobs SET review_group = 'experts' WHERE ${jobs('<= 100')}`,
      `UPDATE jobs SET priority = 9, review_group = review_group`,
      `UPDATE jobs SET status = 'fail', failure_reason = 'cancelled', finished_at = now(), waiting_since = NULL WHERE ${jobs('> 500')}`,
      `DELETE FROM jobs WHERE ${jobs('BETWEEN 90 AND 110')}`,
    ];
    for (const change of changes) {
      await store.asOwner(change);
      const { told, there } = await waiting();
      expect(told).toEqual(there);
    }
    expect(await rowsOfCounts()).toBeGreaterThan(JOBS);
    await Promise.all([store.jobs.addUpWaiting(), store.jobs.addUpWaiting()]);
    expect(await rowsOfCounts()).toBeLessThan(10);
    const { told, there } = await waiting();
    expect(told).toEqual(there);
    expect(told).toMatchObject({ count: 479 });
  });
});
