import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDataSource, migrate } from '@hitl/database';
import { KeyStore, RequestCounts } from '@hitl/domain';
import { createTestDatabase, type TestDatabase } from '@hitl/testing';
import type { DataSource } from 'typeorm';

let database: TestDatabase;
let source: DataSource;
const [A, B] = ['a'.repeat(16), 'b'.repeat(16)];

beforeAll(async () => {
  database = await createTestDatabase();
  source = await createDataSource(database.url, 2).initialize();
  await migrate(source);
  const keys = new KeyStore(source);
  const made = { project: 'default', owner: 'ann', role: 'admin', scopes: null, createdBy: 'ann' } as const;
  for (const id of [A, B]) await keys.create({ ...made, id, hash: Buffer.alloc(32), expiresAt: null });
});

afterAll(async () => {
  await source.destroy();
  await database.drop();
});

it('adds up what gateways count of a key in a minute, and forgets the minute before', async () => {
  const counts = new RequestCounts(source);
  const add = async (minute: number, added: [string, number][]) =>
    Object.fromEntries(await counts.add(minute, new Map(added)));
  expect(await add(7, [[B, 2]])).toEqual({ [B]: 2 });
  const both = await add(7, [
    [B, 3],
    [A, 1],
  ]);
  expect(both).toEqual({ [A]: 1, [B]: 5 });
  expect(await add(8, [[B, 1]])).toEqual({ [B]: 1 });
  // Another gateway's clock is late.
  expect(await add(7, [[B, 9]])).toEqual({});
  expect(await add(8, [[B, 1]])).toEqual({ [B]: 2 });
});
