export { checkDataDir } from './check-data-dir';
export { checkDatabase } from './check-database';
export { createDataSource } from './data-source';
export { DatabaseModule } from './database.module';
export { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded';
export { assertMigrated, migrate } from './migrate';
export { beginSession } from './session';
