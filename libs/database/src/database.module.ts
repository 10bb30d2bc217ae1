import { Module, type DynamicModule } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  AuditReader,
  DecisionReader,
  DeskReader,
  DeskStore,
  DraftStore,
  ErasureStore,
  EventReader,
  ExportReader,
  HistoryReader,
  HoldStore,
  isTransient,
  JobLists,
  JobReader,
  JobStore,
  KeyStore,
  OutboxStore,
  PersonStore,
  RequestCounts,
  SessionStore,
  StatsReader,
  RemarkReader,
  SummaryReader,
  WebhookStore,
} from '@hitl/domain';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { dataSourceOptions } from './data-source';
import { assertMigrated, migrate } from './migrate';

const STORES = [
  JobStore,
  JobLists,
  JobReader,
  RemarkReader,
  SummaryReader,
  AuditReader,
  DecisionReader,
  DeskReader,
  DeskStore,
  DraftStore,
  ErasureStore,
  EventReader,
  ExportReader,
  HistoryReader,
  StatsReader,
  OutboxStore,
  WebhookStore,
  HoldStore,
  KeyStore,
  PersonStore,
  RequestCounts,
  SessionStore,
];

/** Provides the data source and the stores to the whole application. */
@Module({})
export class DatabaseModule {
  /**
   * Connects at boot and keeps trying for half a minute while the database is away, each time saying why.
   * @param options `migrateAtBoot`: bring the schema up to date first; otherwise an older schema stops the boot.
   *   `maxAgeMs`: how old a connection may become; 0: as old as it likes
   */
  static forRoot(
    url: string,
    { poolSize, migrateAtBoot, maxAgeMs }: { poolSize: number; migrateAtBoot: boolean; maxAgeMs: number },
  ): DynamicModule {
    const logger = new Logger('Database');
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({
            ...dataSourceOptions(
              url,
              poolSize,
              (error) => {
                logger.warn(`an idle connection broke: ${error.message}`);
              },
              maxAgeMs,
            ),
            toRetry: (error: unknown) => {
              if (!isTransient(error)) return false;
              logger.warn(`the database cannot be used yet: ${(error as Error).message}`);
              return true;
            },
          }),
          dataSourceFactory: async (options) => {
            const database = await new DataSource(options as DataSourceOptions).initialize();
            try {
              if (migrateAtBoot) await migrate(database);
              await assertMigrated(database);
            } catch (error) {
              await database.destroy();
              throw error;
            }
            return database;
          },
        }),
      ],
      providers: STORES,
      exports: STORES,
    };
  }
}
