import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testAmqpUrl, until, type TestDatabase } from '@hitl/testing';
import pg from 'pg';
import { startPostgres } from '../../scripts/services.mjs';
import { DEADLINE, migratedDatabase, signalServer, temporaryFolder, type Surroundings } from './support';

type Postgres = Awaited<ReturnType<typeof startPostgres>>;

/** Two PostgreSQLs, the second of which follows the first one until it is promoted. */
export interface Pair {
  /** DATABASE_URL that names both. */
  url: string;
  /** Migrated; what is asked goes to the server that is the primary then. */
  database: TestDatabase;
  /** The one that takes changes, and the one that follows it: they change places by a switchover or failover. */
  readonly primary: Postgres;
  readonly standby: Postgres;
  /** Waits until the standby has all that the primary has. */
  caughtUp(): Promise<void>;
  /** Makes the standby a primary; resolves when it takes changes. */
  promote(): Promise<void>;
  /** Stops the primary in an orderly way, promotes the standby and starts the first one again as its standby. */
  switchOver(): Promise<void>;
  /** From now on the primary acknowledges nothing that the standby does not have. */
  makeSynchronous(): Promise<void>;
  /** Kills the primary and promotes the standby. */
  failOver(): Promise<void>;
  /** Sends a signal to all processes of the primary. */
  signalPrimary(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** What a system stands on whose database is a pair: see {@link startPair}. @param use is given the pair */
export const onPair = (use: (servers: Pair) => void) => async (): Promise<Surroundings> => {
  const AMQP_URL = testAmqpUrl();
  const servers = await startPair();
  use(servers);
  return {
    database: servers.database,
    env: { DATABASE_URL: servers.url, AMQP_URL },
    stop: () => servers.stop(),
  };
};

async function startPair(): Promise<Pair> {
  const folder = temporaryFolder();
  const homes = [join(folder.path, 'a'), join(folder.path, 'b')] as const;
  for (const home of homes) mkdirSync(home, { mode: 0o711 });
  const first = await startPostgres({ dir: homes[0] });
  await first.stop();
  // Both trust replication, whoever follows whom.
  appendFileSync(join(homes[0], 'data/pg_hba.conf'), 'host replication all 127.0.0.1/32 scram-sha-256\n');
  // Of a server that was stopped in an orderly way: whole as it is.
  execFileSync('cp', ['-a', join(homes[0], 'data'), join(homes[0], 'password'), homes[1]]);
  const follow = (home: string, port: number): void => {
    const password = readFileSync(join(home, 'password'), 'utf8').trim();
    const data = join(home, 'data');
    writeFileSync(
      join(data, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=127.0.0.1 port=${port} user=hitl password=${password}'\n`,
    );
    writeFileSync(join(data, 'standby.signal'), '');
  };
  await first.start();
  follow(homes[1], first.port);
  const second = await startPostgres({ dir: homes[1] });
  const servers = [
    { home: homes[0], postgres: first },
    { home: homes[1], postgres: second },
  ];
  const [primary, standby] = [() => servers[0]!, () => servers[1]!];

  const rows = async <T>(server: Postgres, sql: string, parameters?: unknown[]): Promise<T[]> => {
    const client = new pg.Client(server.url);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(sql, parameters)).rows as T[];
    } finally {
      await client.end();
    }
  };
  const ask = async <T>(server: Postgres, sql: string): Promise<T | undefined> =>
    (await rows<{ value: T }>(server, `SELECT ${sql} AS value`))[0]?.value;
  const url = first.url.replace(/@.*?\//, `@127.0.0.1:${first.port},127.0.0.1:${second.port}/`);
  const pair: Pair = {
    url,
    database: {
      url,
      query: (sql, parameters) => rows(primary().postgres, sql, parameters),
      drop: () => Promise.resolve(),
    },
    get primary() {
      return primary().postgres;
    },
    get standby() {
      return standby().postgres;
    },
    async caughtUp() {
      const end = await ask<string>(pair.primary, 'pg_current_wal_lsn()::text');
      const has = `coalesce(pg_last_wal_replay_lsn() >= '${String(end)}', false)`;
      await until(
        'the standby has caught up',
        async () => (await ask<boolean>(pair.standby, has)) === true,
        DEADLINE,
      );
    },
    async promote() {
      await ask(pair.standby, 'pg_promote()');
      servers.reverse();
    },
    async switchOver() {
      await pair.caughtUp();
      // An orderly end sends the rest.
      await pair.primary.stop();
      await pair.promote();
      follow(standby().home, pair.primary.port);
      await pair.standby.start();
    },
    async makeSynchronous() {
      await rows(pair.primary, `ALTER SYSTEM SET synchronous_standby_names = '*'`);
      await ask(pair.primary, 'pg_reload_conf()');
      const state = `(SELECT sync_state FROM pg_stat_replication) = 'sync'`;
      await until('the standby is synchronous', () => ask<boolean>(pair.primary, state), DEADLINE);
    },
    async failOver() {
      await pair.primary.kill();
      await pair.promote();
    },
    signalPrimary(signal) {
      signalServer(primary().home, 'postgres', signal);
    },
    async stop() {
      await Promise.all([first.stop(), second.stop()]);
      folder.remove();
    },
  };
  await (await migratedDatabase(first.url)).drop();
  await pair.caughtUp();
  return pair;
}
