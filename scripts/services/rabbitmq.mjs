/** A private RabbitMQ: its own node and port mapper (epmd) in a folder, on 127.0.0.1 only. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { environmentWithout, freePort, greets, PATH, run, secret, server } from './process.mjs';

/** @typedef {{ url: string, port: number, dir: string, epmdPort: number, ctl(...args: string[]): Promise<string> } & import('./process.mjs').Server} Broker */

/**
 * Starts a private RabbitMQ with user `hitl`, a random password and no plugins. The first call creates the node in
 * `dir`, later calls go on with its data. Nothing of the machine's own RabbitMQ is read or touched: the node has its
 * own epmd, so that its name, `hitl@localhost` unless it has a peer, clashes with nobody's and the folder can be moved.
 *
 * Rejects when RabbitMQ is not installed, when the port or the folder is taken, and when the server does not answer
 * within 60 s (the error then shows the end of its log).
 *
 * `stop` is an orderly shutdown, `kill` a crash (SIGKILL); `start` brings it back on the same port with the same
 * data and waits until it accepts connections. Await one before the next. `ctl` runs rabbitmqctl on this node and
 * returns its output.
 * @param {{ dir: string, port?: number, peer?: Broker }} options `port` defaults to a free one; a new node with a `peer` joins
 *   its cluster: the peer must run then, and be stopped last, as its epmd serves both
 * @returns {Promise<Broker>}
 */
export async function startRabbitMq({ dir, port, peer }) {
  const bin = findRabbitMq();
  if (!bin)
    throw new Error('RabbitMQ is not installed: found no folder that holds rabbitmq-server and rabbitmqctl.');
  const home = resolve(dir);
  const at = port ?? (await freePort());
  const epmdPort = peer?.epmdPort ?? (await freePort());
  const node = peer ? `hitl-${at}@localhost` : 'hitl@localhost';

  mkdirSync(home, { recursive: true });
  if (peer && !existsSync(join(home, 'password')))
    for (const file of ['password', '.erlang.cookie']) copyFileSync(join(peer.dir, file), join(home, file));
  const password = secret(join(home, 'password'));
  const config = [
    'default_user = hitl',
    `default_pass = ${password}`,
    // A member of a cluster that is frozen counts as gone after that many seconds, a quarter more or less.
    'net_ticktime = 10',
    ...(peer ? ['hitl@localhost', node] : []).map(
      (member, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${member}`,
    ),
  ];
  writeFileSync(join(home, 'rabbitmq.conf'), `${config.join('\n')}\n`, { mode: 0o600 });
  writeFileSync(join(home, 'enabled_plugins'), '[].\n');
  // A bare machine has no /etc/hosts.
  writeFileSync(join(home, 'inetrc'), '{host, {127,0,0,1}, ["localhost"]}.\n{lookup, [file, native]}.\n');
  const env = {
    ...environmentWithout(/^(RABBITMQ_|ERL_|NOTIFY_SOCKET)/),
    HOME: home, // the Erlang cookie lies there
    ERL_INETRC: join(home, 'inetrc'),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_FLAGS: '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}', // ours is enough
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(at),
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_PID_FILE: join(home, 'node.pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_LOG_BASE: home,
    RABBITMQ_LOGS: '-',
    // All four, or those in /etc/rabbitmq are read.
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(home, 'conf.d', '*.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(home, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: join(home, 'rabbitmq-env.conf'),
    // Makes the script become the server instead of waiting for it, so that its process id is the server's.
    RUNNING_UNDER_SYSTEMD: 'true',
  };

  const epmd = server({
    name: 'epmd',
    dir: home,
    port: epmdPort,
    command: 'epmd',
    args: ['-address', '127.0.0.1', '-port', String(epmdPort)],
    env,
    quit: 'SIGTERM',
    ready: () => greets(epmdPort, '\0\x01n', ''),
  });
  const rabbit = server({
    name: 'rabbitmq',
    dir: home,
    port: at,
    command: join(bin, 'rabbitmq-server'),
    args: [],
    env,
    quit: 'SIGTERM',
    ready: () => speaksAmqp(at),
  });
  const start = async () => {
    if (!peer) await epmd.start();
    await rabbit.start();
  };
  const stop = async () => {
    await rabbit.stop();
    if (!peer) await epmd.stop();
  };
  await start().catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    url: `amqp://hitl:${password}@127.0.0.1:${at}`,
    port: at,
    dir: home,
    epmdPort,
    start,
    stop,
    kill: rabbit.kill,
    ctl: (...args) => run(join(bin, 'rabbitmqctl'), args, { env, cwd: home }),
  };
}

/**
 * The folder of the RabbitMQ programs, or undefined.
 * @returns {string | undefined}
 */
export function findRabbitMq() {
  const folders = [
    '/usr/lib/rabbitmq/bin', // before PATH: Debian's scripts there insist on another user
    '/opt/homebrew/opt/rabbitmq/sbin',
    '/usr/local/opt/rabbitmq/sbin',
    '/home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin',
    ...PATH,
  ];
  return folders.find((folder) =>
    ['rabbitmq-server', 'rabbitmqctl'].every((name) => existsSync(join(folder, name))),
  );
}

/**
 * Whether the RabbitMQ on this port of 127.0.0.1 opens an AMQP conversation: it does so last, when all is recovered.
 * @param {number} port
 */
function speaksAmqp(port) {
  return greets(port, 'AMQP\0\0\x09\x01', '\x01');
}
