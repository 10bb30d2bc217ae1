import { randomUUID } from 'node:crypto';
import { maxHeaderSize, type IncomingMessage } from 'node:http';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigError, loadConfig, trustedProxies, unreadWarnings, type Config } from '@hitl/config';
import { DatabaseModule, startEmbeddedDatabase } from '@hitl/database';
import { JobStore } from '@hitl/domain';
import { createTransport, type QueueConsumption } from '@hitl/messaging';
import { createLogger, flushLog, measureProcess, METRICS_PATH, NestLogger } from '@hitl/observability';
import { guardConnections } from './connections';
import { HealthController, Readiness } from './health.controller';
import { explainListening, openDeskWarning, preflight } from './preflight';
import { mayReadMetrics, serveManagement } from './management';
import { oidcSettings } from './oidc-settings';
import { basePath, requestPath } from './request-path';
import { serviceModules } from './service-module';
import { refuseExpectation, refuseUnreadable } from './unreadable-requests';

/** One process of the system. */
export interface ServiceDefinition {
  /** Shown in logs. */
  name: string;
  module: Type;
  /** The queues it consumes. */
  consumes?: (config: Config) => QueueConsumption[];
  /** Runs without DATABASE_URL and AMQP_URL on embedded parts, and migrates by itself. */
  standalone?: boolean;
  /** Adds what only this service's HTTP has. */
  configure?: (app: NestFastifyApplication, config: Config) => void | Promise<void>;
  /** Called once it is ready. */
  started?: (url: string, config: Config) => void;
}

/** Requests whose head takes longer than this to arrive are cut, in milliseconds. */
const HEADERS_TIMEOUT = 10_000;
/** The same for whole requests, and for each byte of the largest body in addition. Who reads bodies has closer limits. */
const REQUEST_TIMEOUT = 60_000;
const REQUEST_TIMEOUT_PER_BYTE = 1 / 64;
/** How often it is looked for such requests, in milliseconds. */
const LATE_REQUESTS_INTERVAL = 2_000;
/** Seconds after which a client should try again where nothing else is known. */
const RETRY_AFTER = 2;
/** Quiet time after which the system asks whether a client is still there, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 15_000;
/** Connections that may wait to be accepted: thousands of held clients come back at once after a restart. The system may allow fewer. */
const BACKLOG = 4096;

/**
 * Runs a service until it is told to stop (SIGTERM, SIGINT): it then refuses newcomers, finishes what it holds for
 * SHUTDOWN_GRACE_MS at most, and exits with 0. A boot that fails exits with 1 and says why.
 * Arguments end it with 2: commands are the business of apps/cli.
 */
export async function serve(definition: ServiceDefinition): Promise<void> {
  // A full disk or a reader that has gone is no reason to end.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  if (process.argv.length > 2) {
    process.stderr.write(
      `${definition.name} takes no arguments. For commands: npm run hitl -- --help (in an image: node hitl.js --help)\n`,
    );
    process.exit(2);
  }
  try {
    await start(definition, loadConfig());
  } catch (error) {
    process.stderr.write(`${definition.name} cannot start. ${explain(error)}\n`);
    process.exit(1);
  }
}

/** Why a boot failed, for whoever runs it. The stack is in the log at the level debug. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('syscall' in error && error.syscall === 'listen' && 'port' in error && 'address' in error) {
    return explainListening(error, String(error.address), Number(error.port));
  }
  return error.message;
}

async function start(definition: ServiceDefinition, config: Config): Promise<void> {
  const { standalone = false } = definition;
  const logger = createLogger(definition.name, config.LOG_LEVEL, config.LOG_FORMAT);
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, `${event}: a bug, please report it`);
      process.exit(1);
    });
  }
  measureProcess();

  for (const line of unreadWarnings()) logger.warn(line);
  if (!standalone) required(config, 'DATABASE_URL', 'AMQP_URL');
  const open = definition.configure && openDeskWarning(config);
  if (definition.configure) oidcSettings(config);
  const management = await serveManagement(config);
  await preflight(config, standalone, logger);
  if (open) logger.warn(open);
  const embedded =
    config.DATABASE_URL === undefined ? await startEmbeddedDatabase(config.DATA_DIR) : undefined;
  const transport = createTransport(config.AMQP_URL);
  const consumptions = definition.consumes?.(config) ?? [];
  const servers = consumptions.map((consumption) =>
    transport.createServer({ ...consumption, graceMs: config.SHUTDOWN_GRACE_MS }),
  );
  const readiness = new Readiness(
    () => servers.every((server, index) => server.ready || consumptions[index]?.optional),
    () => transport.client.ready,
  );

  @Module({
    imports: serviceModules(definition.module, {
      config,
      database: DatabaseModule.forRoot(embedded?.url ?? required(config, 'DATABASE_URL').DATABASE_URL, {
        poolSize: embedded ? 1 : config.DATABASE_POOL_SIZE,
        migrateAtBoot: standalone,
        maxAgeMs: embedded ? 0 : config.DATABASE_CONNECTION_MAX_AGE_MS,
      }),
      transport,
    }),
    controllers: [HealthController],
    providers: [{ provide: Readiness, useValue: readiness }],
  })
  class ServiceModule {}

  const base = basePath(config.PUBLIC_URL);
  const adapter = new FastifyAdapter({
    bodyLimit: config.MAX_BODY_BYTES,
    rewriteUrl: ({ url = '' }) => requestPath(url, base),
    trustProxy: trustedProxies(config),
    requestTimeout: REQUEST_TIMEOUT + Math.ceil(config.MAX_BODY_BYTES * REQUEST_TIMEOUT_PER_BYTE),
    // As long as an address can be: an id of any length is answered by its route.
    routerOptions: { maxParamLength: maxHeaderSize },
    ...refuseUnreadable(logger),
    forceCloseConnections: 'idle',
    // What comes on a connection that is still open is answered as ever, and told to close it: a 503 would end an EventSource.
    return503OnClosing: false,
    // A client whose machine or network is gone is found out within half a minute.
    http: {
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      headersTimeout: HEADERS_TIMEOUT,
      connectionsCheckingInterval: LATE_REQUESTS_INTERVAL,
    },
    skipMiddie: true,
    genReqId: ({ headers }: IncomingMessage) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(ServiceModule, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
    bodyParser: false,
  });
  app.getHttpServer().on('checkExpectation', refuseExpectation);
  guardConnections(app.getHttpServer(), { maxConnections: config.MAX_CONNECTIONS });
  for (const strategy of servers) app.connectMicroservice({ strategy });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', async (_request, reply) => {
      // The server is closed once its last connection is: one that its client keeps alive would hold it up.
      if (!readiness.accepting) reply.header('connection', 'close');
      if (reply.statusCode === 503 && !reply.hasHeader('retry-after'))
        reply.header('retry-after', RETRY_AFTER);
      return Promise.resolve();
    });
  const isPublic = definition.configure !== undefined;
  await definition.configure?.(app, config);
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.url !== METRICS_PATH || mayReadMetrics(request, config, isPublic)) done();
      else reply.callNotFound();
    });
  // What the process before this one had in its queues and in hand is gone with it.
  if (embedded) await app.get(JobStore).kickAll();
  // The broker is not waited for: it may be away. Readiness tells.
  void transport.client.connect().catch(() => undefined);
  await app.listen({ port: config.PORT, host: config.HOST, backlog: BACKLOG });
  await app.startAllMicroservices();
  management?.ask(() => app.get(HealthController).health());
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping: finishing what is in hand');
    readiness.accepting = false;
    // In this order, so that whatever still runs finds the parts it needs: newcomers first, the database last.
    const patience = setTimeout(() => {
      adapter.getHttpServer().closeAllConnections();
    }, config.SHUTDOWN_GRACE_MS);
    await adapter.close();
    clearTimeout(patience);
    await Promise.all(servers.map((server) => server.close()));
    await app.close();
    await embedded?.close();
    management?.close();
    logger.info('stopped');
    await flushLog();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        logger.error({ err: error }, 'stopping failed');
        process.exit(1);
      });
    });
  }
  // Whoever waits for this line may stop the process at once.
  const url = await app.getUrl();
  logger.info({ url, ...(management && { management: management.port }) }, 'ready');
  definition.started?.(url, config);
}

/** @throws ConfigError that names every one of the variables that is not set */
function required<Name extends 'DATABASE_URL' | 'AMQP_URL'>(
  config: Config,
  ...names: Name[]
): Record<Name, string> {
  const missing = names.filter((name) => config[name] === undefined);
  if (missing.length > 0) {
    throw new ConfigError(
      `${missing.join(' and ')} must be set (see .env.example). 'npm run stack' starts what is missing.`,
    );
  }
  return config as Record<Name, string>;
}
