import { randomUUID } from 'node:crypto';
import { createDataSource } from '@hitl/database';
import { DeskStore } from '@hitl/domain';
import pg from 'pg';
import { percentile } from './figures';

/** Jobs in `human` in the small and in the large queue. */
const FEW = 1_000;
const MANY = Number(process.env.BENCH_JOBS ?? 1_000_000);
const CALLS = 2_000;
const CALLS_OF_WORST = 200;
const REVIEWERS = 4;
const CHUNK = 50_000;
const DESK = { groups: ['legal'], requirePlan: true, fourEyes: false, maxRegenerations: 10 };

/** How long claim-next takes as the queue grows, and where what is on top cannot be had. */
export async function claimNextFlatness(url: string): Promise<object> {
  const client = new pg.Client(url);
  await client.connect();
  const source = await createDataSource(url, REVIEWERS).initialize();
  const desk = new DeskStore(source);

  /** Jobs from `first` to `last`: of all priorities, some for groups, some claimed. */
  const fill = async (first: number, last: number): Promise<void> => {
    for (let from = first; from <= last; from += CHUNK) {
      await client.query(
        `INSERT INTO jobs (id, status, payload, asked, response, revision, priority, waiting_since, planned_at, review_group, submitter,
                           claimed_by, claimed_at, claimed_until, claim_id)
         SELECT id, 'human', '{"input": "What is 2 + 2?"}', 'What is 2 + 2?', '{"answer": 4}', 1, n % 10, now(), now(),
                CASE WHEN n % 7 = 0 THEN 'legal' WHEN n % 7 = 1 THEN 'sales' ELSE '' END, 'submitter',
                CASE WHEN claimed THEN 'another' END, CASE WHEN claimed THEN now() END,
                CASE WHEN claimed THEN now() + interval '1 hour' END, CASE WHEN claimed THEN id END
         FROM (SELECT n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id, n % 50 = 0 AS claimed
               FROM generate_series($1::int, $2::int) n) t`,
        [from, Math.min(last, from + CHUNK - 1)],
      );
    }
    await client.query('VACUUM ANALYZE jobs');
    await client.query('CHECKPOINT');
  };
  /** Sorted milliseconds of so many calls; what was claimed is given back, so that the queue stays as it is. */
  const measure = async (calls: number): Promise<number[]> => {
    const times: number[] = [];
    let left = calls;
    await Promise.all(
      Array.from({ length: REVIEWERS }, async (_, index) => {
        const actor = `reviewer ${index}`;
        for (; left > 0; left -= 1) {
          const began = performance.now();
          const jobId = await desk.claimNextReview({
            ...{ id: randomUUID(), project: 'default', actor },
            ...{ leaseMs: 60_000, desk: DESK },
          });
          times.push(performance.now() - began);
          if (jobId === null) throw new Error('there was no job to claim');
          await desk.releaseReview({ project: 'default', jobId, actor });
        }
      }),
    );
    return times.sort((a, b) => a - b);
  };
  /** Measures while `change` is made to the `count` most urgent jobs that are for everybody. */
  const worst = async (count: number, change: string): Promise<{ p50: number; p99: number }> => {
    await client.query(
      `UPDATE jobs SET ${change} WHERE id IN (
         SELECT id FROM jobs WHERE status = 'human' AND review_group = '' AND claimed_by IS NULL
         ORDER BY priority DESC, id LIMIT ${count})`,
    );
    await client.query('VACUUM ANALYZE jobs');
    const times = await measure(CALLS_OF_WORST);
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  };

  await client.query('TRUNCATE jobs, decisions, drafts, job_events, outbox');
  await fill(1, FEW);
  await measure(CALLS / 4);
  const few = await measure(CALLS);
  await fill(FEW + 1, MANY);
  await measure(CALLS / 4);
  const many = await measure(CALLS);
  const foreign = await worst(10_000, `review_group = 'chiefs'`);
  const claimed = await worst(
    1_000,
    `claimed_by = 'another', claimed_at = now(), claimed_until = now() + interval '1 hour', claim_id = id`,
  );
  const voted = await worst(
    10_000,
    `approvals = 2, approved_by = ARRAY(SELECT 'reviewer ' || n FROM generate_series(0, ${REVIEWERS - 1}) n)`,
  );
  await source.destroy();
  await client.end();

  const figures = {
    claim_next_few_p50_ms: percentile(few, 0.5),
    claim_next_few_p99_ms: percentile(few, 0.99),
    claim_next_many_p50_ms: percentile(many, 0.5),
    claim_next_many_p99_ms: percentile(many, 0.99),
    claim_next_p99_ratio: Number(((percentile(many, 0.99) || NaN) / percentile(few, 0.99)).toFixed(2)),
  };
  console.log(`
claim-next, ${REVIEWERS} reviewers, ${FEW} jobs in human        p50 ${figures.claim_next_few_p50_ms} ms, p99 ${figures.claim_next_few_p99_ms} ms
claim-next, ${REVIEWERS} reviewers, ${MANY} jobs in human     p50 ${figures.claim_next_many_p50_ms} ms, p99 ${figures.claim_next_many_p99_ms} ms   p99 ratio ${figures.claim_next_p99_ratio}
  with 10,000 of another group on top                 p50 ${foreign.p50} ms, p99 ${foreign.p99} ms
  with 1,000 live claims on top                       p50 ${claimed.p50} ms, p99 ${claimed.p99} ms
  with 10,000 on top that the reviewer has voted on   p50 ${voted.p50} ms, p99 ${voted.p99} ms`);
  return figures;
}
