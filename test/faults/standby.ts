import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@hitl/testing';
import pg from 'pg';
import { startPostgres } from '../../scripts/services.mjs';
import { DEADLINE } from './support';

type Postgres = Awaited<ReturnType<typeof startPostgres>>;

/** Two PostgreSQLs, the second of which follows the first one until it is promoted. */
export interface Pair {
  /** DATABASE_URL that names both. */
  url: string;
  primary: Postgres;
  standby: Postgres;
  /** Waits until the standby has all that the primary has. */
  caughtUp(): Promise<void>;
  /** Makes the standby a primary; resolves when it takes changes. */
  promote(): Promise<void>;
  /** Stops the first server in an orderly way, promotes the other and starts the first one again as its standby. */
  switchOver(): Promise<void>;
  stop(): Promise<void>;
}

/** @param folder of the test's own, with nothing in it */
export async function startPair(folder: string): Promise<Pair> {
  const homes = [join(folder, 'a'), join(folder, 'b')] as const;
  for (const home of homes) mkdirSync(home, { mode: 0o711 });
  const primary = await startPostgres({ dir: homes[0] });
  await primary.stop();
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
  await primary.start();
  follow(homes[1], primary.port);
  const standby = await startPostgres({ dir: homes[1] });

  const ask = async <T>(server: Postgres, sql: string): Promise<T | undefined> => {
    const client = new pg.Client(server.url);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<{ value: T }>(`SELECT ${sql} AS value`)).rows[0]?.value;
    } finally {
      await client.end();
    }
  };
  const pair: Pair = {
    url: primary.url.replace(/@.*?\//, `@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/`),
    primary,
    standby,
    async caughtUp() {
      const end = await ask<string>(primary, 'pg_current_wal_lsn()::text');
      const has = `coalesce(pg_last_wal_replay_lsn() >= '${String(end)}', false)`;
      await until(
        'the standby has caught up',
        async () => (await ask<boolean>(standby, has)) === true,
        DEADLINE,
      );
    },
    async promote() {
      await ask(standby, 'pg_promote()');
    },
    async switchOver() {
      await pair.caughtUp();
      // An orderly end sends the rest.
      await primary.stop();
      await pair.promote();
      follow(homes[0], standby.port);
      await primary.start();
    },
    async stop() {
      await Promise.all([primary.stop(), standby.stop()]);
    },
  };
  return pair;
}
