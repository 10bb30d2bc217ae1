import {
  Decision,
  Draft,
  Job,
  JobEvent,
  OutboxMessage,
  fromStoredJson,
  preparedName,
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
} from '@hitl/domain';
import { Client, types } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
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
import { PeopleAtWork1700000007300 } from './migrations/1700000007300-people-at-work';
import { JobBytes1700000007700 } from './migrations/1700000007700-job-bytes';
import { workAsApplication } from './role';

// What jsonb cannot hold is stored in other words: every reader gets it back.
types.setTypeParser(types.builtins.JSON, fromStoredJson);
types.setTypeParser(types.builtins.JSONB, fromStoredJson);

/** Longest time that one statement may run, wait for a lock, or leave a transaction idle, in milliseconds. */
const STATEMENT_TIMEOUT = 10_000;
const LOCK_TIMEOUT = 5_000;
/** Longest time that a caller waits for a free connection or for an answer on a cut network, in milliseconds. */
const CONNECT_TIMEOUT = 5_000;
const QUERY_TIMEOUT = 15_000;

/**
 * After `query_timeout` pg leaves the client connected, still waiting for the lost answer, and its pool hands it
 * out again. Such a connection is dead for us: destroy it. Statements with a name (`prepared`) go by it.
 */
export class TimeoutProofClient extends Client {
  constructor(config: ConstructorParameters<typeof Client>[0]) {
    super(config);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    // pg's pool passes a callback, TypeORM takes the promise.
    this.query = ((...args: unknown[]) => {
      const [text, values] = args;
      const name = typeof text === 'string' ? preparedName(text) : undefined;
      if (name !== undefined) args.splice(0, 2, { name, text, values });
      const last = args.length - 1;
      const callback = args[last];
      if (typeof callback === 'function') {
        args[last] = (error: Error | null, result: unknown) => {
          this.#destroyAfterTimeout(error);
          (callback as (error: Error | null, result: unknown) => void)(error, result);
        };
        return query(...args);
      }
      const answer = query(...args);
      if (answer instanceof Promise) {
        answer.catch((error: unknown) => {
          this.#destroyAfterTimeout(error);
        });
      }
      return answer;
    }) as typeof this.query;
  }

  /** From now on answers may take as long as they like. Returns what brings the limit back. */
  waitForAnswers(): () => void {
    const { connectionParameters } = this as unknown as { connectionParameters: { query_timeout: number } };
    const { query_timeout: usual } = connectionParameters;
    connectionParameters.query_timeout = 0;
    return () => {
      connectionParameters.query_timeout = usual;
    };
  }

  #destroyAfterTimeout(error: unknown): void {
    if (!(error instanceof Error) || error.message !== 'Query read timeout') return;
    const { connection } = this as unknown as { connection: { stream: { destroy: (error: Error) => void } } };
    connection.stream.destroy(error);
  }
}

/**
 * How this system talks to PostgreSQL. Nothing waits for ever: connecting, statements, locks, idle transactions and
 * answers that never come each have an end.
 * @param onPoolError told of connections that broke while idle
 */
export function dataSourceOptions(
  url: string,
  poolSize: number,
  onPoolError: (error: Error) => void = () => undefined,
): DataSourceOptions {
  return {
    type: 'postgres',
    url,
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
    ],
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    connectTimeoutMS: CONNECT_TIMEOUT,
    poolErrorHandler: onPoolError,
    logging: false,
    applicationName: 'hitl',
    extra: {
      Client: TimeoutProofClient,
      onConnect: workAsApplication,
      statement_timeout: STATEMENT_TIMEOUT,
      lock_timeout: LOCK_TIMEOUT,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT,
      query_timeout: QUERY_TIMEOUT,
      keepAlive: true,
    },
  };
}

/** A data source with {@link dataSourceOptions}, not connected yet. */
export function createDataSource(...args: Parameters<typeof dataSourceOptions>): DataSource {
  return new DataSource(dataSourceOptions(...args));
}
