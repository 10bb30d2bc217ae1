import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BEFORE_ALL_EVENTS, EventReader } from '@hitl/domain';
import { aJob, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

describe.each(TEST_STORES)('the order of events: $name', ({ open }) => {
  let store: TestStore;
  let reader: EventReader;
  beforeAll(async () => {
    store = await open();
    reader = new EventReader(store.database);
  });
  beforeEach(() => store.clear());
  afterAll(() => store.close());

  const submitted = async (): Promise<string> => {
    const job = aJob();
    await store.jobs.submit(job);
    return job.id;
  };
  const jobsAfter = async (position = BEFORE_ALL_EVENTS): Promise<string[]> =>
    (await reader.after(SCOPE, position, 10)).events.map(({ jobId }) => jobId);
  /** What a dump leaves that is restored on a server whose transactions have small ids. */
  const restoreElsewhere = async (): Promise<void> => {
    await store.asOwner(`UPDATE job_events SET xid = '900000000'::text::xid8`);
    await store.asOwner(`UPDATE event_epochs SET history = 'another server'`);
    // As each new connection does.
    await store.rows('SELECT hitl_open_epoch()');
  };

  it('begins anew on another server, after all that was restored', async () => {
    const first = await submitted();
    await restoreElsewhere();
    const second = await submitted();
    expect(await jobsAfter()).toEqual([first, second]);
    const {
      events: [restored, written],
    } = await reader.after(SCOPE, BEFORE_ALL_EVENTS, 10);
    expect(written!.epoch).toBe(restored!.epoch + 1);
    expect(await jobsAfter(restored)).toEqual([second]);
    expect(await reader.end()).toMatchObject({ epoch: written!.epoch, id: written!.id });
    expect(await reader.isLast(restored!, first)).toBe(true);
    expect(await reader.isLast(restored!, second)).toBe(false);
  });

  it('is one as long as the server is the same', async () => {
    await submitted();
    const {
      events: [before],
    } = await reader.after(SCOPE, BEFORE_ALL_EVENTS, 10);
    await store.rows('SELECT hitl_open_epoch()');
    await submitted();
    expect((await reader.end()).epoch).toBe(before!.epoch);
  });

  it('knows the events that are there, and no others', async () => {
    await submitted();
    const {
      events: [event],
    } = await reader.after(SCOPE, BEFORE_ALL_EVENTS, 10);
    expect(await reader.has(event!)).toBe(true);
    expect(await reader.has(BEFORE_ALL_EVENTS)).toBe(true);
    expect(await reader.has({ ...event!, epoch: event!.epoch + 1 })).toBe(false);
    expect(await reader.has({ epoch: 1, xid: '900000', id: '900000' })).toBe(false);
  });
});
