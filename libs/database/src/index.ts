export { createDataSource } from './data-source';
export { DatabaseModule } from './database.module';
export { startEmbeddedDatabase } from './embedded';
export { assertMigrated, migrate } from './migrate';
