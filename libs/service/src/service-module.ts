import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { BackgroundModule } from '@hitl/background';
import { Config } from '@hitl/config';
import { describePassing } from '@hitl/domain';
import { MessagingModule, type Transport } from '@hitl/messaging';

/** What every service's own module finds beside it. */
export interface Surroundings {
  config: Config;
  database: DynamicModule;
  transport: Transport;
}

/** The modules of a service: its own, and the configuration, database, messages and background work for the whole application. */
export function serviceModules(
  module: Type,
  { config, database, transport }: Surroundings,
): (Type | DynamicModule)[] {
  return [
    database,
    MessagingModule.forRoot(transport),
    BackgroundModule.forRoot(describePassing),
    {
      module: ConfigModule,
      global: true,
      providers: [{ provide: Config, useValue: config }],
      exports: [Config],
    },
    module,
  ];
}

@Module({})
class ConfigModule {}
