import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BEFORE_ALL_EVENTS,
  DecisionReader,
  DraftStore,
  EVERY_PROJECT,
  EventReader,
  ExportReader,
  JsonText,
  StatsReader,
  SummaryReader,
  WebhookStore,
  type Job,
} from '@hitl/domain';
import { aClaim, aDecision, aPlan, anEdit, jobIn, NO_POLICY, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const OTHER = { project: 'other' };
const THERE = { name: 'the project of the job', scope: OTHER };
const HERE = { name: 'another project', scope: SCOPE };
const KEY = { key: 'k1', requestHash: Buffer.alloc(32) };

async function all<T>(pages: AsyncGenerator<T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

/** The jobs of one project alone: one that waits, one that was edited and approved, one that was rejected, and a webhook. */
describe.each(TEST_STORES)('jobs of one project on $name', ({ open }) => {
  let store: TestStore;
  let waiting: string;
  let approved: string;
  let rejected: string;
  let held: string;
  const heldDecision = randomUUID();
  const endpoint = randomUUID();
  const readers = () => ({
    summaries: new SummaryReader(store.database),
    decisions: new DecisionReader(store.database),
    drafts: new DraftStore(store.database),
    events: new EventReader(store.database),
    exports: new ExportReader(store.database),
    stats: new StatsReader(store.database),
    webhooks: new WebhookStore(store.database),
  });

  beforeAll(async () => {
    store = await open();
    const { webhooks, drafts } = readers();
    await webhooks.create({
      id: endpoint,
      ...OTHER,
      url: 'https://hooks.example/',
      secret: 'whsec_x',
      idempotencyKey: KEY.key,
      requestHash: KEY.requestHash,
    });
    waiting = await jobIn(store, 'human', { ...OTHER, idempotency: KEY });
    await drafts.save(OTHER, { jobId: waiting, actor: 'ann', revision: 1, content: new JsonText('"begun"') });
    await store.desk.plan(
      aPlan(waiting, { shadow: { decisionId: randomUUID(), verdict: 'approve', rule: 'easy' } }),
    );
    approved = await jobIn(store, 'human', OTHER);
    await store.desk.decide(aDecision(approved, { ...OTHER, verdict: 'edit', response: 'edited' }));
    rejected = await jobIn(store, 'fail', OTHER);
    held = await jobIn(store, 'human', OTHER);
    await store.desk.hold(aDecision(held, { ...OTHER, id: heldDecision }), 60_000);
  });

  afterAll(() => store.close());

  const ids = () => [waiting, approved, rejected, held].sort();
  const idsOf = (jobs: Pick<Job, 'id'>[]) => jobs.map(({ id }) => id).sort();

  /** What each reader shows of them. */
  const shown: Record<string, (scope: typeof OTHER) => Promise<unknown[]>> = {
    'a job': async (scope) => [
      (await store.reader.find(scope, waiting))?.id,
      (await store.reader.current(scope, approved))?.id,
      (await readers().summaries.find(scope, rejected))?.id,
      (await store.reader.find(scope, held))?.id,
    ],
    'a job by its idempotency key': async (scope) => [(await store.reader.findByKey(scope, KEY.key))?.id],
    'the newest jobs': async (scope) => idsOf(await (await store.lists.newest(scope, { limit: 9 })).read()),
    'the newest jobs of a status': async (scope) =>
      idsOf(await (await store.lists.newest(scope, { status: 'human', limit: 9 })).read()),
    'the oldest jobs': async (scope) => {
      const parts = await store.lists.oldest(scope, { offset: 0, limit: 9 });
      return idsOf((await Promise.all(parts.map(({ read }) => read()))).flat());
    },
    'what waits': async (scope) => idsOf(await (await store.deskReader.waiting(scope, { limit: 9 })).read()),
    'what waits, in summaries': async (scope) => [
      ...idsOf((await readers().summaries.waiting(scope, {}, { limit: 9 })).jobs),
      (await readers().summaries.count(scope, {})) || undefined,
    ],
    'what keeps a reviewer back': async (scope) => {
      const caller = { actor: 'ann', desk: NO_POLICY };
      return [...(await store.deskReader.obstacles(scope, ids(), caller)).keys()].sort();
    },
    'answers, for dry runs': async (scope) =>
      (await store.reader.answered(scope, { limit: 9 })).map(({ jobId }) => jobId).sort(),
    decisions: async (scope) =>
      (await readers().decisions.list(scope, {}, { limit: 9 })).decisions.map(({ jobId }) => jobId).sort(),
    'exported answers': async (scope) =>
      (await all(readers().exports.approved(scope, {}, new AbortController().signal))).map(
        ({ jobId }) => jobId,
      ),
    'exported corrections': async (scope) =>
      (await all(readers().exports.corrections(scope, {}, new AbortController().signal))).map(
        ({ jobId }) => jobId,
      ),
    'exported decisions': async (scope) =>
      (await all(readers().exports.decisions(scope, {}, new AbortController().signal)))
        .map(({ jobId }) => jobId)
        .sort(),
    figures: async (scope) => {
      const window = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000) };
      const { waiting: now, decided, verdicts } = await readers().stats.read(scope, window);
      return [now.count || undefined, decided || undefined, verdicts.human.total.edit || undefined];
    },
    'figures of a group': async (scope) => {
      const window = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000) };
      const { waiting: now, decided } = await readers().stats.read(scope, { ...window, group: '' });
      return [now.count || undefined, decided || undefined];
    },
    events: async (scope) => {
      const { events } = await readers().events.after(scope, BEFORE_ALL_EVENTS, 99);
      return [...new Set(events.map(({ jobId }) => jobId))].sort();
    },
    'events of a job': async (scope) => {
      const { events } = await readers().events.after(scope, BEFORE_ALL_EVENTS, 99, waiting);
      return [...new Set(events.map(({ jobId }) => jobId))];
    },
    'a draft': async (scope) => [
      (await readers().drafts.find(scope, waiting, 'ann'))?.jobId,
      (await readers().drafts.savedAt(scope, waiting, 'ann')) ? 'saved' : undefined,
    ],
    'a webhook endpoint': async (scope) => {
      const { webhooks } = readers();
      return [
        (await webhooks.find(scope, endpoint))?.id,
        (await webhooks.findByKey(scope, KEY.key))?.id,
        ...(await webhooks.list(scope)).map(({ id }) => id),
        (await webhooks.count(scope)) || undefined,
      ];
    },
    'what webhooks were told': async (scope) => {
      const { webhooks } = readers();
      const told = [
        ...(await webhooks.deliveries(scope, { endpointId: endpoint })),
        ...(await webhooks.deliveries(scope, { jobId: approved })),
      ];
      return told.map(({ jobId }) => jobId).sort();
    },
  };

  it.each(Object.keys(shown))('are told within it alone: %s', async (what) => {
    const found = (await shown[what]!(OTHER)).filter((one) => one !== undefined);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBe((await shown[what]!(OTHER)).length);
    expect((await shown[what]!(SCOPE)).filter((one) => one !== undefined)).toEqual([]);
  });

  it('are all there in lists, events and decisions of their project', async () => {
    expect(await shown['the newest jobs']!(OTHER)).toEqual(ids());
    expect(await shown.events!(OTHER)).toEqual(ids());
    expect(await shown['exported decisions']!(OTHER)).toEqual([approved, rejected].sort());
  });

  it('pass by in the events of another project, whose readers go on after them', async () => {
    const { events, end, hasMore } = await readers().events.after(SCOPE, BEFORE_ALL_EVENTS, 5);
    expect({ events, hasMore }).toEqual({ events: [], hasMore: true });
    expect(end).toMatchObject({ epoch: expect.any(Number) });
    const every = await readers().events.after(EVERY_PROJECT, BEFORE_ALL_EVENTS, 5);
    expect(every.events.map(({ project }) => project)).toEqual(Array(5).fill('other'));
    expect(every.end).toEqual(end);
  });

  it('have decisions of their project, whoever has decided', async () => {
    expect(await store.rows('SELECT DISTINCT project FROM decisions')).toEqual([{ project: 'other' }]);
    expect(await store.rows('SELECT count(*)::int AS n FROM decisions WHERE shadow')).toEqual([{ n: 1 }]);
  });

  describe('are changed from nowhere else', () => {
    const changes: Record<string, () => Promise<unknown>> = {
      decide: () => store.desk.decide(aDecision(waiting)),
      hold: () => store.desk.hold(aDecision(waiting), 60_000),
      undo: () => store.desk.undo({ ...SCOPE, jobId: held, decisionId: heldDecision, actor: 'reviewer' }),
      edit: () => store.desk.edit(anEdit(waiting)),
      restore: async () => {
        const answer = (await store.deskReader.revision(approved, 1))!;
        const wish = { ...SCOPE, jobId: waiting, actor: 'ann', revision: 1, restore: 1 };
        return store.desk.restore({ ...wish, answer, violations: null, desk: NO_POLICY });
      },
      claim: () => store.desk.claimReview({ ...aClaim(), jobId: waiting }),
      'claim the next': () => store.desk.claimNextReview(aClaim()),
      note: () => store.desk.addNote({ ...SCOPE, id: randomUUID(), jobId: waiting, actor: 'ann', text: 'x' }),
      cancel: () => store.jobs.cancel(SCOPE, waiting, 'ann'),
      'save a draft': () =>
        readers().drafts.save(SCOPE, {
          jobId: waiting,
          actor: 'bob',
          revision: 1,
          content: new JsonText('1'),
        }),
      'delete a draft': () => readers().drafts.delete(SCOPE, waiting, 'ann'),
      'remove an endpoint': () => readers().webhooks.remove(SCOPE, endpoint),
      'rotate a secret': () => readers().webhooks.rotate(SCOPE, endpoint, 'whsec_y'),
    };

    it.each(Object.keys(changes))('%s', async (name) => {
      const before = [await store.everything(), await store.rows('SELECT * FROM webhook_endpoints')];
      expect((await changes[name]!()) || null).toBeNull();
      expect([await store.everything(), await store.rows('SELECT * FROM webhook_endpoints')]).toEqual(before);
    });

    it('release: a claim stays with its reviewer', async () => {
      await store.desk.claimReview({ ...aClaim({ ...OTHER, actor: 'ann' }), jobId: waiting });
      expect(await store.desk.releaseReview({ ...SCOPE, jobId: waiting, actor: 'ann' })).toBe(false);
      expect(await store.desk.countClaims(SCOPE, 'ann')).toBe(0);
      expect(await store.desk.countClaims(OTHER, 'ann')).toBe(1);
    });

    it('retry: a job that the model has failed stays failed', async () => {
      await store.asOwner(
        `UPDATE jobs SET failure_reason = 'inference_failed', response = NULL WHERE id = $1`,
        [rejected],
      );
      const again = aDecision(rejected, { verdict: 'regenerate' });
      expect(await store.desk.retry(again)).toBeNull();
      expect(await store.desk.retry({ ...again, ...OTHER })).toMatchObject({ status: 'bot' });
    });
  });

  it.each([THERE, HERE])('take an idempotency key in $name for themselves', async ({ scope }) => {
    const submitted = await jobIn(store, 'bot', {
      ...scope,
      idempotency: { ...KEY, key: randomUUID() },
    });
    expect(await store.reader.find(scope, submitted)).toMatchObject(scope);
  });
});
