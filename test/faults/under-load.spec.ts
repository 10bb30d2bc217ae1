import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createLine, testAmqpUrl, until, type Line, type ServiceProcess } from '@hitl/testing';
import pg from 'pg';
import { expectWhole, LOAD_SETTINGS, startLoad } from './load';
import { onPair, type Pair } from './standby';
import { allReady, DEADLINE, parked, TEST_DEADLINE, useSystem } from './support';

/** How long the database is frozen, in milliseconds: less than anybody waits for it. */
const FREEZE_MS = 3_000;

let servers: Pair;
let toBroker: Line;
const system = useSystem({
  on: async () => {
    toBroker = await createLine(testAmqpUrl());
    const { env, stop, ...rest } = await onPair((pair) => (servers = pair))();
    return {
      ...rest,
      env: { ...env, ...LOAD_SETTINGS, AMQP_URL: toBroker.url },
      stop: async () => {
        toBroker.close();
        await stop?.();
      },
    };
  },
});

it(
  'processes killed, connections cut, a row locked, a database frozen, switched over and failed over lose and double nothing',
  async () => {
    const [gateways, workers, reviews] = await Promise.all([
      system.startAll('gateway', 'gateway'),
      system.startAll('inference-worker', 'inference-worker'),
      system.startAll('review-service', 'review-service'),
    ]);
    const all = (): ServiceProcess[] => [...gateways, ...workers, ...reviews];
    await allReady(...all());
    const load = startLoad(system, () => [...gateways]);
    const replace = async (
      of: ServiceProcess[],
      app: 'gateway' | 'inference-worker' | 'review-service',
    ): Promise<void> => {
      const [killed] = of.splice(0, 1);
      await killed!.kill();
      await load.goesOn();
      of.push(await system.start(app));
    };
    const faults: Record<string, () => unknown> = {
      'a worker killed': () => replace(workers, 'inference-worker'),
      'a review service killed': () => replace(reviews, 'review-service'),
      'a gateway killed': () => replace(gateways, 'gateway'),
      'the broker cut off': () => {
        toBroker.cut();
      },
      'a row locked': async () => {
        const other = new pg.Client(servers.primary.url);
        await other.connect();
        await other.query(`BEGIN; SELECT 1 FROM jobs WHERE status = 'human' ORDER BY id LIMIT 1 FOR UPDATE`);
        await load.goesOn().finally(() => other.end());
      },
      'the database frozen': async () => {
        servers.signalPrimary('SIGSTOP');
        await delay(FREEZE_MS);
        servers.signalPrimary('SIGCONT');
      },
      'switched over': async () => {
        await servers.switchOver();
        await load.goesOn();
        await until(
          'nobody asks the old server',
          async () => (await connections(servers.standby.url)) === 0,
          DEADLINE,
        );
      },
      'failed over': async () => {
        await servers.makeSynchronous();
        await servers.failOver();
      },
    };
    for (const happens of Object.values(faults)) {
      await load.goesOn();
      await happens();
      await load.goesOn();
    }
    await load.finish();

    await expectWhole(load, system.database);
    await allReady(...all());
    expect(await parked(...workers, ...reviews)).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  2 * TEST_DEADLINE,
);

/** Connections of services to a server. */
async function connections(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rowCount } = await client.query(
    `SELECT FROM pg_stat_activity WHERE application_name = 'hitl' AND backend_type = 'client backend'`,
  );
  await client.end();
  return rowCount ?? 0;
}
