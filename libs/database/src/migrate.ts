import { MigrationExecutor, type DataSource } from 'typeorm';
import type { DatabaseClient } from './client';
import { beginSession } from './session';

/** Any number, the same in every version: whoever holds it migrates. */
const MIGRATION_LOCK = 4_859_001_337;

/** The database's schema is older than the code, or newer. */
export class SchemaError extends Error {
  override name = 'SchemaError';
}

/** Brings the schema up to date. Of several processes at once, one does the work and the others wait for it. */
export async function migrate(database: DataSource): Promise<string[]> {
  const runner = database.createQueryRunner();
  // A migration of a large table, and the wait for whoever runs it, may take longer than any other statement.
  const client = (await runner.connect()) as DatabaseClient;
  const restoreLimit = client.waitForAnswers();
  try {
    // The application's role may change no schema.
    await runner.query('RESET ROLE; SET statement_timeout = 0; SET lock_timeout = 0');
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    try {
      const done = await new MigrationExecutor(database, runner).executePendingMigrations();
      return done.map((migration) => migration.name);
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    }
  } finally {
    await beginSession(client).catch(() => undefined);
    restoreLimit();
    await runner.release();
  }
}

/**
 * Refuses to go on with a schema that lacks migrations, or without the application's role.
 * @throws SchemaError with the command that mends it
 * @throws RoleError
 */
export async function assertMigrated(database: DataSource): Promise<void> {
  const runner = database.createQueryRunner();
  try {
    const migrations = new MigrationExecutor(database, runner);
    if (!(await runner.hasTable('migrations')) || (await migrations.showMigrations())) {
      throw new SchemaError(
        'The database schema is older than this version. Bring it up to date with: npm run hitl -- migrate (in an image: node hitl.js migrate)',
      );
    }
    // Another process may have migrated since this one connected.
    await beginSession((await runner.connect()) as DatabaseClient);
  } finally {
    await runner.release();
  }
}
