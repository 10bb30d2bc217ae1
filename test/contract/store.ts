import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataSource, startEmbeddedDatabase } from '@hitl/database';
import { JobLists, JobReader, JsonText, OutboxStore } from '@hitl/domain';
import { copyEmbeddedDatabase, createTestDatabase, storesOn, type Stores } from '@hitl/testing';
import type { DataSource } from 'typeorm';

/** A migrated database of its own, and the stores on it. */
export interface TestStore extends Stores {
  database: DataSource;
  reader: JobReader;
  lists: JobLists;
  outbox: OutboxStore;
  /** The rows that a SELECT answers, contents as the values that they are. */
  rows<T = any>(sql: string, parameters?: unknown[]): Promise<T[]>;
  /** Runs SQL with the rights of the tables' owner, which the application does not have. */
  asOwner<T = any>(sql: string, parameters?: unknown[]): Promise<T[]>;
  /** Every row of every table, to see that nothing changed. */
  everything(): Promise<unknown>;
  /** Empties every table. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** The two databases that the store must behave the same on. */
export const TEST_STORES: { name: string; open: () => Promise<TestStore> }[] = [
  {
    name: 'PostgreSQL',
    async open() {
      const { url, drop } = await createTestDatabase();
      const database = await createDataSource(url, 10).initialize();
      return storeOn(database, drop);
    },
  },
  {
    name: 'the embedded database',
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'hitl-store-'));
      copyEmbeddedDatabase(folder);
      const embedded = await startEmbeddedDatabase(folder);
      const database = await createDataSource(embedded.url, 1).initialize();
      return storeOn(database, async () => {
        await embedded.close();
        rmSync(folder, { recursive: true, force: true });
      });
    },
  },
];

function withValues(row: Record<string, unknown>): Record<string, unknown> {
  const { replaced, ...columns } = row;
  return {
    ...Object.fromEntries(
      Object.entries(columns).map(([name, value]) => [name, value instanceof JsonText ? value.value : value]),
    ),
    ...(replaced !== undefined && {
      replaced:
        replaced &&
        Object.fromEntries(
          Object.entries(replaced).map(([name, text]) => [name, JSON.parse(text as string) as unknown]),
        ),
    }),
  };
}

function storeOn(database: DataSource, dispose: () => Promise<void>): TestStore {
  const asOwner = <T>(sql: string, parameters?: unknown[]): Promise<T[]> =>
    database.transaction(async (manager) => {
      await manager.query('SET LOCAL ROLE NONE');
      return manager.query<T[]>(sql, parameters);
    });
  return {
    database,
    ...storesOn(database),
    reader: new JobReader(database),
    lists: new JobLists(database),
    outbox: new OutboxStore(database),
    rows: async <T>(sql: string, parameters?: unknown[]) =>
      (await database.query<Record<string, unknown>[]>(sql, parameters)).map(withValues) as T[],
    asOwner,
    everything: () =>
      database.query(
        ['jobs', 'decisions', 'drafts', 'job_events', 'outbox']
          .map((table) => `SELECT '${table}' AS name, to_jsonb(t) AS row FROM ${table} t`)
          .join(' UNION ALL ') + ' ORDER BY 1, 2',
      ),
    clear: async () => {
      // One statement, since jobs and decisions refer to each other. Much faster than TRUNCATE on few rows.
      await asOwner(
        `WITH jobs AS (DELETE FROM jobs), decisions AS (DELETE FROM decisions), drafts AS (DELETE FROM drafts), events AS (DELETE FROM job_events),
              chains AS (DELETE FROM event_chains), holds AS (DELETE FROM held_requests), counts AS (DELETE FROM waiting_counts)
         DELETE FROM outbox`,
      );
    },
    async close() {
      await database.destroy();
      await dispose();
    },
  };
}
