import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  DraftStore,
  ErasureStore,
  ExportReader,
  HistoryReader,
  JsonText,
  verifyChains,
  type ChainFinding,
  type Job,
} from '@hitl/domain';
import { aDecision, anAnswer, anEdit, claimedJob, jobIn, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

/** In everything that a job is about. */
const CANARY = 'canary-7f3d';
const BY = { actor: 'ann', reason: 'asked for' };

describe.each(TEST_STORES)('the erasure of what jobs were about on $name', ({ open }) => {
  let store: TestStore;
  let erasures: ErasureStore;

  beforeAll(async () => {
    store = await open();
    erasures = new ErasureStore(store.database);
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  /** A job that people have written about in every way, and that one of them has approved with changes. */
  async function lived(): Promise<string> {
    const lease = await claimedJob(store.jobs, {
      payload: { input: CANARY },
      metadata: { customer: CANARY },
      callbackUrl: `https://hooks.example/${CANARY}`,
      responseSchema: { description: CANARY },
      askedFor: { instructions: CANARY },
    });
    const { jobId } = lease;
    await store.jobs.failAttempt({ ...lease, detail: CANARY, retryInMs: 0 });
    const again = { jobId, token: randomUUID() };
    await store.jobs.claim({ ...again, leaseMs: 60_000, maxAttempts: 5 });
    await store.jobs.complete(anAnswer(again, { answer: CANARY }));
    await store.desk.edit(anEdit(jobId, { response: CANARY, payload: { input: `${CANARY} 2` } }));
    await store.desk.addNote({ ...SCOPE, id: randomUUID(), jobId, actor: 'rob', text: CANARY });
    await store.desk.decide(aDecision(jobId, { verdict: 'regenerate', feedback: CANARY, reason: CANARY }));
    const last = { jobId, token: randomUUID() };
    await store.jobs.claim({ ...last, leaseMs: 60_000, maxAttempts: 5 });
    await store.jobs.complete(anAnswer(last, [CANARY]));
    const draft = { jobId, actor: 'rob', revision: 3, content: new JsonText(`"${CANARY}"`) };
    await new DraftStore(store.database).save(SCOPE, draft);
    const words = { reason: CANARY, submitterMessage: CANARY, response: `${CANARY} edited` };
    const change = { patch: JSON.stringify([CANARY]), textDiff: CANARY, editDistance: 0.5 };
    await store.desk.decide(aDecision(jobId, { verdict: 'edit', ...words, change, actor: 'rob' }));
    await store.desk.addNote({ ...SCOPE, id: randomUUID(), jobId, actor: 'rob', text: CANARY });
    return jobId;
  }

  async function findings(position?: string) {
    const found: ChainFinding[] = [];
    const { digest } = await verifyChains(
      store.database,
      (finding) => found.push(finding),
      position === undefined ? {} : { position },
    );
    return { found, digest };
  }

  const eventsOf = (id: string) =>
    store.rows('SELECT type, actor, data FROM job_events WHERE job_id = $1 ORDER BY seq', [id]);

  it('leaves nothing of it anywhere, and the rest as it was', async () => {
    const id = await lived();
    const everything = async () =>
      JSON.stringify([await store.everything(), await store.rows('SELECT * FROM webhook_deliveries')]);
    expect((await everything()).split(CANARY).length).toBeGreaterThan(20);
    const types = (await eventsOf(id)).map(({ type }) => type);
    const { digest } = await findings();

    expect(await erasures.erase(SCOPE, id, BY)).toBe(true);

    expect(await everything()).not.toContain(CANARY);
    const job = (await store.reader.find(SCOPE, id))!;
    expect(job).toMatchObject({
      status: 'success',
      response: null,
      revision: 4,
      edited: true,
      erasedAt: expect.any(Date),
    } satisfies Partial<Record<keyof Job, unknown>>);
    expect(job.payload.text).toBe('null');
    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual([...types, 'erased']);
    expect(events.at(-1)).toMatchObject({
      actor: 'ann',
      data: { reason: 'asked for', seal: expect.any(String) },
    });
    expect(events.find(({ type }) => type === 'decided')!.data).toMatchObject({
      verdict: 'edit',
      response_hash: expect.any(String),
      erased: ['reason', 'response', 'submitter_message'],
    });
    // The audit log is whole, and its digest is still the one that somebody may have kept.
    const position = digest.split(':')[0]!;
    expect(await findings(position)).toEqual({ found: [], digest });
    const history = await new HistoryReader(store.database).read(job);
    expect(history.outputs.map(({ response }) => response)).toEqual([null, null, null, null]);
  });

  it.each(['bot', 'human'] as const)('is refused for a job in %s', async (status) => {
    const id = await jobIn(store, status);
    const before = await store.everything();
    expect(await erasures.erase(SCOPE, id, BY)).toBe(false);
    expect(await erasures.eraseAll([id], BY)).toBe(0);
    expect(await store.everything()).toEqual(before);
  });

  it('is done once, and in its own project alone', async () => {
    const id = await jobIn(store, 'fail');
    expect(await erasures.erase({ project: 'other' }, id, BY)).toBe(false);
    expect(await erasures.erase(SCOPE, id, BY)).toBe(true);
    const before = await store.everything();
    expect(await erasures.erase(SCOPE, id, BY)).toBe(false);
    expect(await store.everything()).toEqual(before);
  });

  it('is done once by several replicas at once', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => jobIn(store, 'success')));
    const erased = await Promise.all([1, 2, 3, 4].map(() => erasures.eraseAll(ids, BY)));
    expect(erased.reduce((sum, one) => sum + one, 0)).toBe(8);
    expect(await store.rows(`SELECT count(*)::int AS n FROM job_events WHERE type = 'erased'`)).toEqual([
      { n: 8 },
    ]);
    expect((await findings()).found).toEqual([]);
  });

  it('finds what ended long enough ago, of one project, the oldest first', async () => {
    const ids = [await jobIn(store, 'success'), await jobIn(store, 'fail'), await jobIn(store, 'success')];
    const other = await jobIn(store, 'success', { project: 'other' });
    await jobIn(store, 'human');
    const end = (id: string, days: number) =>
      store.database.query(`UPDATE jobs SET finished_at = now() - $2 * interval '1 day' WHERE id = $1`, [
        id,
        days,
      ]);
    await Promise.all([end(ids[0]!, 31), end(ids[1]!, 40), end(ids[2]!, 29), end(other, 31)]);
    expect(await erasures.projects()).toEqual(['default', 'other']);
    expect(await erasures.olderThan(SCOPE, 30, 9, [])).toEqual([ids[1], ids[0]]);
    expect(await erasures.olderThan(SCOPE, 30, 1, [])).toEqual([ids[1]]);
    expect(await erasures.olderThan(SCOPE, 30, 9, [ids[1]!])).toEqual([ids[0]]);
    await erasures.eraseAll([...ids, other], BY);
    expect(await erasures.projects()).toEqual([]);
  });

  it('takes a job out of exports', async () => {
    const id = await lived();
    const exported = async () => {
      const reader = new ExportReader(store.database);
      const rows: unknown[] = [];
      const { signal } = new AbortController();
      for await (const page of reader.approved(SCOPE, {}, signal)) rows.push(...page);
      for await (const page of reader.corrections(SCOPE, {}, signal)) rows.push(...page);
      return rows.length;
    };
    expect(await exported()).toBeGreaterThan(1);
    await erasures.erase(SCOPE, id, BY);
    expect(await exported()).toBe(0);
  });

  it('is for good: nothing can be added to the job, and the model is not asked again', async () => {
    const failed = await jobIn(store, 'fail');
    await store.asOwner(`UPDATE jobs SET failure_reason = 'inference_failed' WHERE id = $1`, [failed]);
    await erasures.erase(SCOPE, failed, BY);
    const before = await store.everything();
    expect(await store.desk.retry(aDecision(failed, { verdict: 'regenerate' }))).toBeNull();
    expect(
      await store.desk.addNote({ ...SCOPE, id: randomUUID(), jobId: failed, actor: 'rob', text: 'x' }),
    ).toBe(false);
    expect(await store.everything()).toEqual(before);
    await expect(
      store.database.query(`UPDATE jobs SET payload = '"again"' WHERE id = $1`, [failed]),
    ).rejects.toThrow(/jobs_erased_is_empty/);
  });

  describe('leaves an audit log in which it is found', () => {
    const tampering: Record<string, [sql: string, what: string]> = {
      'that an erased event was changed': [
        `UPDATE job_events SET actor = 'mallory' WHERE job_id = $1 AND type = 'decided'`,
        'seals other events than there are before it',
      ],
      'that an event was made to look erased': [
        `UPDATE job_events SET actor = 'mallory', data = '{"erased": []}' WHERE job_id = $1 AND type = 'submitted'`,
        'seals other events than there are before it',
      ],
      'that the seal was made anew': [
        `UPDATE job_events SET data = data || '{"seal": "00"}' WHERE job_id = $1 AND type = 'erased'`,
        'does not match its hash',
      ],
      'that a decision was changed': [
        `UPDATE decisions SET actor = 'mallory' WHERE job_id = $1 AND final AND verdict = 'edit'`,
        'tells something else than the decision',
      ],
      'that the job got contents again': [
        `ALTER TABLE jobs DISABLE TRIGGER ALL; UPDATE jobs SET erased_at = NULL, response = '1' WHERE id = '$id'; ALTER TABLE jobs ENABLE TRIGGER ALL`,
        'an event tells that the contents of the job were erased, but the job has some',
      ],
    };

    it.each(Object.keys(tampering))('%s', async (name) => {
      const id = await lived();
      await erasures.erase(SCOPE, id, BY);
      const [sql, what] = tampering[name]!;
      if (sql.includes('$id')) await store.asOwner(sql.replaceAll('$id', id));
      else await store.asOwner(sql, [id]);
      expect((await findings()).found.map((finding) => finding.what).join('\n')).toContain(what);
    });

    it('that contents are gone without an event', async () => {
      const id = await jobIn(store, 'fail');
      await store.database.query(
        `UPDATE jobs SET payload = 'null', response = NULL, asked = NULL, failure_detail = NULL, erased_at = now() WHERE id = $1`,
        [id],
      );
      expect((await findings()).found.map(({ what }) => what)).toEqual([
        'the contents of the job are erased, but no event tells of it',
      ]);
    });

    it('that an event was changed before it was erased', async () => {
      const id = await lived();
      await store.asOwner(`UPDATE job_events SET actor = 'mallory' WHERE job_id = $1 AND type = 'noted'`, [
        id,
      ]);
      expect(await erasures.erase(SCOPE, id, BY)).toBe(true);
      expect((await findings()).found.map(({ what }) => what)).toEqual([
        expect.stringMatching(
          /^erased what was changed before: the events \[\d+, \d+\] did not match their hashes$/,
        ),
      ]);
    });

    it('that another response was erased than the events tell of', async () => {
      const id = await jobIn(store, 'fail');
      await store.asOwner(`UPDATE jobs SET response = '"other"' WHERE id = $1`, [id]);
      await erasures.erase(SCOPE, id, BY);
      expect((await findings()).found.map(({ what }) => what)).toEqual([
        expect.stringMatching(/^erased another response than number 2 tells of$/),
      ]);
    });
  });
});
