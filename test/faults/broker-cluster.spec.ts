import { expect, it } from '@jest/globals';
import { createTestDatabase, needs } from '@hitl/testing';
import { startRabbitMq } from '../../scripts/services.mjs';
import { expectWhole, LOAD_SETTINGS, startLoad } from './load';
import { allReady, parked, signalServer, temporaryFolder, TEST_DEADLINE, useSystem } from './support';

type Broker = Awaited<ReturnType<typeof startRabbitMq>>;

const folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()] as const;
let nodes: Broker[];
const system = useSystem({
  on: async () => {
    needs('broker');
    const first = await startRabbitMq({ dir: folders[0].path });
    const peers = await Promise.all(
      folders.slice(1).map(({ path }) => startRabbitMq({ dir: path, peer: first })),
    );
    nodes = [first, ...peers];
    const database = await createTestDatabase();
    // The last one first, so that it is connected to.
    const urls = nodes.toReversed().map(({ url }) => url);
    return {
      database,
      env: { ...LOAD_SETTINGS, DATABASE_URL: database.url, AMQP_URL: urls.join() },
      stop: async () => {
        signalServer(folders[1].path, 'rabbitmq', 'SIGCONT');
        await Promise.all(peers.map((peer) => peer.stop()));
        await first.stop();
        for (const folder of folders) folder.remove();
      },
    };
  },
});

it(
  'a cluster of three loses nothing while one node is killed, one is frozen and one is taken away in order, and the log tells',
  async () => {
    const services = await system.startAll(
      ...(['gateway', 'gateway', 'inference-worker', 'review-service', 'review-service'] as const),
    );
    await allReady(...services);
    const [gateway] = services;
    const queues = await nodes[0]!.ctl('list_queues', '--silent', 'name', 'type', 'members');
    const ours = queues.split('\n').filter((line) => line.startsWith('hitl.') && line.includes('quorum'));
    expect(ours).toHaveLength(4);
    for (const line of ours) expect(line.match(/hitl[-\d]*@localhost/g)).toHaveLength(3);

    const load = startLoad(system, () => [...services.slice(0, 2)]);
    await load.goesOn();
    await nodes[2]!.kill();
    await load.goesOn();
    await nodes[2]!.start();
    await load.goesOn();
    // The one that all went to when theirs was killed.
    signalServer(folders[1].path, 'rabbitmq', 'SIGSTOP');
    await load.goesOn();
    signalServer(folders[1].path, 'rabbitmq', 'SIGCONT');
    await load.goesOn();
    await nodes[2]!.stop();
    await load.goesOn();
    await load.finish();

    await expectWhole(load, system.database);
    await allReady(...services);
    expect(await parked(...services)).toBe(0);
    expect(system.deaths()).toEqual([]);
    const told = gateway.logs.join('\n');
    expect(told).toMatch(/the broker is away \((it confirmed nothing for 5 s|Heartbeat timeout)/);
    expect(told).toMatch(/connected to the broker amqp:\/\/127\.0\.0\.1:\d+/);
    expect(told).not.toContain(new URL(nodes[0]!.url).password);
  },
  2 * TEST_DEADLINE,
);
