import {
  Decision,
  Draft,
  Job,
  JobEvent,
  OutboxMessage,
  JsonText,
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
} from '@hitl/domain';
import pg, { type ClientBase } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { DatabaseClient } from './client';
import { Jobs1700000000000 } from './migrations/1700000000000-jobs';
import { Delivery1700000001000 } from './migrations/1700000001000-delivery';
import { ReviewDesk1700000002000 } from './migrations/1700000002000-review-desk';
import { Audit1700000003000 } from './migrations/1700000003000-audit';
import { Learning1700000004000 } from './migrations/1700000004000-learning';
import { Asked1700000005000 } from './migrations/1700000005000-asked';
import { JobDeliveries1700000006000 } from './migrations/1700000006000-job-deliveries';
import { Regeneration1700000007400 } from './migrations/1700000007400-regeneration';
import { ModelFailure1700000007200 } from './migrations/1700000007200-model-failure';
import { HeldRequests1700000007100 } from './migrations/1700000007100-held-requests';
import { EventEpochs1700000007500 } from './migrations/1700000007500-event-epochs';
import { PeopleAtWork1700000007300 } from './migrations/1700000007300-people-at-work';
import { JobBytes1700000007700 } from './migrations/1700000007700-job-bytes';
import { Verbatim1700000008000 } from './migrations/1700000008000-verbatim';
import { Projects1700000008100 } from './migrations/1700000008100-projects';
import { LeanStatements1700000008200 } from './migrations/1700000008200-lean-statements';
import { LeanRows1700000008300 } from './migrations/1700000008300-lean-rows';
import { WebhookTypes1700000008350 } from './migrations/1700000008350-webhook-types';
import { WaitingCounts1700000008400 } from './migrations/1700000008400-waiting-counts';
import { Identity1700000009000 } from './migrations/1700000009000-identity';
import { RequestCounts1700000009100 } from './migrations/1700000009100-request-counts';
import { People1700000009200 } from './migrations/1700000009200-people';
import { Erasure1700000009300 } from './migrations/1700000009300-erasure';
import { AuditDays1700000009350 } from './migrations/1700000009350-audit-days';
import { AnthropicHeaders1700000009500 } from './migrations/1700000009500-anthropic-headers';
import { PrimaryPool } from './pool';
import { serversOf } from './servers';
import { beginSession } from './session';

// What is stored as `json` is a text that somebody else wrote; `jsonb` is ours.
pg.types.setTypeParser(pg.types.builtins.JSON, (text) => new JsonText(text));

/** Longest time that a caller waits for a free connection or for an answer on a cut network, in milliseconds. */
const CONNECT_TIMEOUT = 5_000;
const QUERY_TIMEOUT = 15_000;
/** How old a connection may become, in milliseconds, so that none outlives a move of the database for long. */
const MAX_AGE_MS = 300_000;

/**
 * How this system talks to PostgreSQL. Nothing waits for ever: connecting, statements, locks, idle transactions and
 * answers that never come each have an end.
 * @param url may name several servers; the one that takes changes is used
 * @param onPoolError told of connections that broke while idle
 * @param maxAgeMs how old a connection may become, 5 minutes by default; 0: as old as it likes
 */
export function dataSourceOptions(
  url: string,
  poolSize: number,
  onPoolError: (error: Error) => void = () => undefined,
  maxAgeMs = MAX_AGE_MS,
): DataSourceOptions {
  const servers = serversOf(url);
  return {
    type: 'postgres',
    // TypeORM reads one server's URL only.
    url: servers[0],
    driver: { ...pg, Pool: PrimaryPool },
    poolSize,
    entities: [
      Job,
      JobEvent,
      Decision,
      Draft,
      OutboxMessage,
      WebhookEndpoint,
      WebhookDelivery,
      WebhookAttempt,
    ],
    migrations: [
      Jobs1700000000000,
      Delivery1700000001000,
      ReviewDesk1700000002000,
      Audit1700000003000,
      Learning1700000004000,
      Asked1700000005000,
      JobDeliveries1700000006000,
      JobBytes1700000007700,
      Regeneration1700000007400,
      ModelFailure1700000007200,
      HeldRequests1700000007100,
      PeopleAtWork1700000007300,
      EventEpochs1700000007500,
      Verbatim1700000008000,
      Projects1700000008100,
      LeanStatements1700000008200,
      LeanRows1700000008300,
      WebhookTypes1700000008350,
      WaitingCounts1700000008400,
      Identity1700000009000,
      RequestCounts1700000009100,
      People1700000009200,
      Erasure1700000009300,
      AuditDays1700000009350,
      AnthropicHeaders1700000009500,
    ],
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    connectTimeoutMS: CONNECT_TIMEOUT,
    poolErrorHandler: onPoolError,
    logging: false,
    applicationName: 'hitl',
    extra: {
      Client: DatabaseClient,
      servers,
      onConnect: (client: ClientBase) => beginSession(client),
      maxLifetimeSeconds: maxAgeMs / 1000,
      query_timeout: QUERY_TIMEOUT,
      keepAlive: true,
    },
  };
}

/** A data source with {@link dataSourceOptions}, not connected yet. */
export function createDataSource(...args: Parameters<typeof dataSourceOptions>): DataSource {
  return new DataSource(dataSourceOptions(...args));
}
