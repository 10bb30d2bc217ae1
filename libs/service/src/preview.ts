import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readConfig } from '@hitl/config';
import { DatabaseModule } from '@hitl/database';
import { createTransport } from '@hitl/messaging';
import { serviceModules } from './service-module';

/** Puts a service's modules together without making a single provider: needs no database, broker or settings. */
export function preview(module: Type): Promise<NestFastifyApplication> {
  const database = DatabaseModule.forRoot('postgresql://preview', {
    poolSize: 1,
    migrateAtBoot: false,
    maxAgeMs: 0,
  });
  const imports = serviceModules(module, { config: readConfig({}), database, transport: createTransport() });
  @Module({ imports })
  class PreviewModule {}
  return NestFactory.create<NestFastifyApplication>(PreviewModule, new FastifyAdapter(), {
    logger: false,
    preview: true,
    abortOnError: false,
  });
}
