import { ConfigError, loadConfig } from '@hitl/config';
import { checkDatabase, createDataSource, migrate } from '@hitl/database';
import { readArguments } from './arguments';

/** `migrate`: exits with 0 when the schema is up to date, 1 when it could not be brought there. */
export async function migrateDatabase(args: string[]): Promise<number> {
  readArguments(args, { words: 0, options: [] });
  try {
    const { DATABASE_URL } = loadConfig();
    if (DATABASE_URL === undefined)
      throw new ConfigError(
        'DATABASE_URL must be set (see .env.example). npm start migrates its own database automatically.',
      );
    await checkDatabase(DATABASE_URL, 0);
    const database = await createDataSource(DATABASE_URL, 2).initialize();
    const names = await migrate(database);
    process.stdout.write(names.length > 0 ? `migrated: ${names.join(', ')}\n` : 'the schema is up to date\n');
    await database.destroy();
    return 0;
  } catch (error) {
    process.stderr.write(
      `The database cannot be migrated. ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
  }
}
