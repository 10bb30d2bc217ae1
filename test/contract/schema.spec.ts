import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { assertMigrated, createDataSource, migrate } from '@hitl/database';
import { createTestDatabase, until, type TestDatabase } from '@hitl/testing';
import type { DataSource } from 'typeorm';

describe('the entities', () => {
  /** What the entities leave out on purpose: the database alone computes it. */
  const BESIDE_THE_ENTITIES = [
    // Kept by the database itself, and read by lists alone.
    'jobs.bytes bigint',
    // Read and written by the hold store alone.
    'gateways.id uuid NOT NULL PRIMARY KEY',
    'gateways.seen_at timestamp with time zone NOT NULL',
    'held_requests.answered_at timestamp with time zone',
    'held_requests.asked bytea',
    'held_requests.cut_after_ms integer',
    'held_requests.gateway_id uuid NOT NULL',
    'held_requests.held_at timestamp with time zone NOT NULL',
    'held_requests.job_id uuid NOT NULL PRIMARY KEY',
    'held_requests.left_at timestamp with time zone',
    'held_requests.request_id uuid NOT NULL',
    // Read and written by the stores of keys, people and sessions alone.
    'api_keys.created_at timestamp with time zone NOT NULL',
    'api_keys.created_by text NOT NULL',
    'api_keys.expires_at timestamp with time zone',
    'api_keys.hash bytea NOT NULL',
    'api_keys.id text NOT NULL PRIMARY KEY',
    'api_keys.last_used_at timestamp with time zone',
    'api_keys.owner text NOT NULL',
    'api_keys.project text NOT NULL',
    'api_keys.replaced_by text',
    'api_keys.revoked_at timestamp with time zone',
    'api_keys.revoked_by text',
    'api_keys.role text NOT NULL',
    'api_keys.scopes text[]',
    'auth_secret.singleton boolean NOT NULL PRIMARY KEY',
    'auth_secret.secret bytea NOT NULL',
    'people.created_at timestamp with time zone NOT NULL',
    'people.issuer text NOT NULL PRIMARY KEY',
    'people.name text NOT NULL',
    'people.subject text NOT NULL PRIMARY KEY',
    'sessions.checked_at timestamp with time zone',
    'sessions.checking_until timestamp with time zone',
    'sessions.created_at timestamp with time zone NOT NULL',
    'sessions.expires_at timestamp with time zone NOT NULL',
    'sessions.groups text[]',
    'sessions.hash bytea NOT NULL PRIMARY KEY',
    'sessions.issuer text',
    'sessions.key_id text',
    'sessions.project text',
    'sessions.roles text[]',
    'sessions.sid text',
    'sessions.subject text',
    'sessions.tokens text',
    'sessions.used_at timestamp with time zone NOT NULL',
    // Read and written by the request counts alone.
    'request_counts.caller text NOT NULL PRIMARY KEY',
    'request_counts.minute bigint NOT NULL',
    'request_counts.requests bigint NOT NULL',
    'event_chains.hash bytea NOT NULL',
    'event_chains.job_id uuid NOT NULL PRIMARY KEY',
    'event_chains.seq integer NOT NULL',
    'event_epochs.began_at timestamp with time zone NOT NULL',
    'event_epochs.epoch integer NOT NULL PRIMARY KEY',
    'event_epochs.history text NOT NULL',
    'job_events.epoch integer NOT NULL',
    'job_events.xid xid8 NOT NULL',
    'jobs.released_hash bytea',
    // Written by a trigger on jobs, read by the statistics alone.
    'waiting_counts.jobs bigint NOT NULL',
    'waiting_counts.project text NOT NULL',
    'waiting_counts.review_group text NOT NULL',
  ];
  let database: TestDatabase;
  let source: DataSource;
  beforeAll(async () => {
    database = await createTestDatabase();
    source = await createDataSource(database.url, 2).initialize();
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  it('have exactly the columns of the migrated schema, with their types and nullability', async () => {
    const inEntities = source.entityMetadatas.flatMap(({ tableName, columns }) =>
      // What a SELECT computes is no column.
      columns
        .filter(({ isVirtualProperty }) => !isVirtualProperty)
        .map((column) =>
          [
            `${tableName}.${column.databaseName} ${source.driver.normalizeType(column)}${column.isArray ? '[]' : ''}`,
            ...(column.isNullable ? [] : ['NOT NULL']),
            ...(column.isPrimary ? ['PRIMARY KEY'] : []),
            ...(column.generatedIdentity ? [`IDENTITY ${column.generatedIdentity}`] : []),
          ].join(' '),
        ),
    );
    const inDatabase = await database.query<{ line: string }>(
      `SELECT concat_ws(' ', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
                        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                        CASE WHEN a.attnum = ANY(p.conkey) THEN 'PRIMARY KEY' END,
                        CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END) AS line
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'migrations'
         AND a.attnum > 0 AND NOT a.attisdropped`,
    );
    expect(inDatabase.map(({ line }) => line).sort()).toEqual([...inEntities, ...BESIDE_THE_ENTITIES].sort());
  });
});

describe('migrations', () => {
  let database: TestDatabase;
  let sources: DataSource[];
  beforeEach(async () => {
    database = await createTestDatabase('template0');
    sources = [];
  });
  afterEach(async () => {
    await Promise.all(sources.map((source) => source.destroy()));
    await database.drop();
  });
  /** Another process on the database. */
  async function connect({ poolSize = 2, extra = {} } = {}): Promise<DataSource> {
    const source = createDataSource(database.url, poolSize);
    source.setOptions({ extra: { ...(source.options.extra as object), ...extra } });
    sources.push(await source.initialize());
    return source;
  }
  const tables = () =>
    database.query(
      `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );

  it('are run by one of several processes that start together, and the others find them done', async () => {
    const processes = await Promise.all([connect(), connect(), connect()]);
    const done = await Promise.all(processes.map((process) => migrate(process)));
    const all = processes[0].migrations.length;
    expect(done.map((names) => names.length).sort()).toEqual([0, 0, all]);
    expect(await database.query('SELECT count(*)::int FROM migrations')).toEqual([{ count: all }]);
    await Promise.all(processes.map((process) => assertMigrated(process)));
  });

  it('wait for a process that migrates longer than any statement or answer may take', async () => {
    const [slow, patient] = [await connect(), await connect({ extra: { query_timeout: 300 } })];
    const slowRunner = slow.createQueryRunner();
    // The number is the lock's for ever: processes of different versions must agree on it.
    await slowRunner.query('SELECT pg_advisory_lock(4859001337)');
    const migrated = migrate(patient);
    await until('the second process waits', async () => {
      return (await database.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`))
        .length;
    });
    await slowRunner.query('SELECT pg_sleep(0.5)');
    await slowRunner.query('SELECT pg_advisory_unlock(4859001337)');
    await slowRunner.release();
    expect(await migrated).toHaveLength(patient.migrations.length);
  });

  it('leave the connection with its usual limits', async () => {
    const process = await connect({ poolSize: 1 });
    await migrate(process);
    expect(
      await process.query(
        `SELECT current_setting('statement_timeout') AS s, current_setting('lock_timeout') AS l`,
      ),
    ).toEqual([{ s: '10s', l: '3s' }]);
  });

  it('stop a service on a database that lacks them, with the command that mends it', async () => {
    const process = await connect();
    await expect(assertMigrated(process)).rejects.toThrow(/older than this version.*npm run hitl -- migrate/);
  });

  it('can be undone', async () => {
    const process = await connect({ poolSize: 1 });
    await migrate(process);
    await process.query('RESET ROLE');
    for (let left = process.migrations.length; left > 0; left -= 1) await process.undoLastMigration();
    expect(await tables()).toEqual([{ relname: 'migrations' }]);
  });
});
