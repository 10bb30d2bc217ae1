import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '@hitl/domain';
import { aDecision, claimedJob, anAnswer, anEdit, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const nested = (depth: number): Json => (depth === 0 ? 'bottom' : { in: [nested(depth - 1)] });

const VALUES: [string, Json][] = [
  ['null', null],
  ['false', false],
  ['zero', 0],
  ['an empty text', ''],
  ['an empty object', {}],
  ['an empty array', []],
  ['a text that looks like JSON', '{"a": 1}'],
  ['a text that looks like an array of PostgreSQL', '{NULL,"a"}'],
  ['the largest and the smallest numbers', [Number.MAX_SAFE_INTEGER, -1.5, 1e300, 5e-324, 1e21]],
  ['nulls inside', { a: null, b: [null] }],
  ['every kind of Unicode', { 'ключ 🗝': 'naïve 漢字 👩‍👩‍👧 \u202e \ufeff \u2028 \u0001 \\ " \' $1 :name ?' }],
  ['keys that JavaScript knows', { constructor: 1, toString: { length: 2 }, '': 3 }],
  ['deep nesting', nested(60)],
  ['a megabyte', 'é'.repeat(500_000)],
];

describe.each(TEST_STORES)('JSON on $name comes back as it went in', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  it.each(VALUES)('%s', async (_name, value) => {
    const lease = await claimedJob(store.jobs, { payload: value });
    const stored = async () => {
      const job = await store.reader.find(SCOPE, lease.jobId);
      return { payload: job?.payload.value, response: job?.response?.value };
    };
    await store.jobs.complete(anAnswer(lease, value));
    expect(await stored()).toEqual({ payload: value, response: value });
    await store.desk.edit(anEdit(lease.jobId, { revision: 1, response: [value], payload: [value] }));
    expect(await stored()).toEqual({ payload: [value], response: [value] });
    await store.desk.decide(aDecision(lease.jobId, { verdict: 'edit', response: { value } }));
    expect(await stored()).toEqual({ payload: [value], response: { value } });
    const [{ replaced }] = await store.rows(
      `SELECT replaced FROM job_events WHERE job_id = $1 AND type = 'edited'`,
      [lease.jobId],
    );
    expect(replaced).toEqual({ payload: value, response: value });
  });
});
