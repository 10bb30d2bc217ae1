import { Module, type DynamicModule } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  DecisionReader,
  DraftStore,
  EventReader,
  ExportReader,
  HistoryReader,
  HoldStore,
  isTransient,
  JobLists,
  JobReader,
  JobStore,
  OutboxStore,
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
  DecisionReader,
  DraftStore,
  EventReader,
  ExportReader,
  HistoryReader,
  StatsReader,
  OutboxStore,
  WebhookStore,
  HoldStore,
];

/** Provides the data source and the stores to the whole application. */
@Module({})
export class DatabaseModule {
  /**
   * Connects at boot and keeps trying for half a minute while the database is away.
   * @param migrateAtBoot bring the schema up to date first; otherwise an older schema stops the boot
   */
  static forRoot(url: string, poolSize: number, migrateAtBoot: boolean): DynamicModule {
    const logger = new Logger('Database');
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({
            ...dataSourceOptions(url, poolSize, (error) => {
              logger.warn(`an idle connection broke: ${error.message}`);
            }),
            toRetry: isTransient,
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
