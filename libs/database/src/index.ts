export { createDataSource } from './data-source';
export { DatabaseModule } from './database.module';
export { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded';
export { assertMigrated, migrate } from './migrate';
