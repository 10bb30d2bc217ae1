/** A private PostgreSQL: its own cluster in a folder, on 127.0.0.1 only. */
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  environmentWithout,
  freePort,
  greets,
  isRoot,
  PATH,
  run,
  secret,
  server,
  succeeds,
} from './process.mjs';

const LOCALE = process.platform === 'darwin' ? 'UTF-8' : 'C.UTF-8';

/**
 * Starts a private PostgreSQL with user and database `hitl` and a random password. The first call creates the
 * cluster in `dir`, later calls go on with its data. Durable as in production (fsync stays on), 200 connections.
 *
 * As root it runs as the system's user `postgres`, because PostgreSQL refuses root; that user must be able to walk
 * into `dir`. Rejects when PostgreSQL is not installed, when the port or the folder is taken, and when the server
 * does not answer within 60 s (the error then shows the end of its log).
 *
 * `stop` is a fast shutdown, `kill` a crash (SIGKILL for the server and all its children); `start` brings it back
 * on the same port with the same data and waits until it accepts connections. Await one before the next.
 * @param {{ dir: string, port?: number }} options `port` defaults to a free one
 * @returns {Promise<{ url: string, port: number } & import('./process.mjs').Server>}
 */
export async function startPostgres({ dir, port }) {
  const bin = findPostgres();
  if (!bin) throw new Error('PostgreSQL is not installed: found no folder that holds initdb and postgres.');
  const home = resolve(dir);
  const data = join(home, 'data');
  const env = { ...environmentWithout(/^(PG|LC_|LANG)/), LC_ALL: 'C' };
  const user = await servant();

  mkdirSync(home, { recursive: true });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(home, user.uid, user.gid);
  const closed = await obstacle(home);
  if (closed)
    throw new Error(
      `PostgreSQL cannot keep data in ${home}, for its user may not enter ${closed}. ` +
        `Run «chmod o+x ${closed}», or choose another folder.`,
    );
  const password = secret(join(home, 'password'));
  if (!existsSync(data)) await create({ bin, data, password, options: { ...user, env, cwd: home } });

  const at = port ?? (await freePort());
  const settings = {
    listen_addresses: '127.0.0.1',
    port: at,
    unix_socket_directories: '',
    max_connections: 200,
  };
  const postgres = server({
    name: 'postgres',
    dir: home,
    port: at,
    command: join(bin, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env,
    user,
    quit: 'SIGINT',
    lockFile: join(data, 'postmaster.pid'),
    ready: () => acceptsConnections(at),
  });
  await postgres.start();
  return { url: `postgres://hitl:${password}@127.0.0.1:${at}/hitl`, port: at, ...postgres };
}

/**
 * The folder of the PostgreSQL programs, the newest version first, or undefined.
 * @returns {string | undefined}
 */
export function findPostgres() {
  const brews = ['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt'];
  const folders = [
    ...PATH,
    ...versions('/usr/lib/postgresql', /^\d+$/),
    ...versions('/usr', /^pgsql-\d+$/),
    ...brews.flatMap((brew) => versions(brew, /^postgresql(@\d+)?$/)),
  ];
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))));
}

/** @param {string} base @param {RegExp} pattern */
function versions(base, pattern) {
  if (!existsSync(base)) return [];
  /** @param {string} name */
  const version = (name) => Number(/\d+$/.exec(name)?.[0] ?? 0);
  const names = readdirSync(base).filter((name) => pattern.test(name));
  return names.sort((a, b) => version(b) - version(a)).map((name) => join(base, name, 'bin'));
}

/**
 * Whether the PostgreSQL on this port of 127.0.0.1 would let somebody log in now.
 * @param {number} port
 */
export function acceptsConnections(port) {
  const hello = Buffer.from('\0\0\0\0\0\x03\0\0user\0hitl\0database\0hitl\0\0', 'latin1');
  hello.writeInt32BE(hello.length);
  return greets(port, hello, 'R'); // «R» asks for the password; while starting up, it is «E» for error
}

/** @returns {Promise<import('./process.mjs').User>} */
async function servant() {
  if (!isRoot) return {};
  const ids = Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
  const [uid, gid] = await ids.catch((cause) => {
    throw new Error('PostgreSQL refuses to run as root, and there is no user postgres instead.', { cause });
  });
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * The first folder on the way to `dir`, itself included, that PostgreSQL's user may not enter, if we are root.
 * @param {string} dir an existing folder
 */
export async function obstacle(dir) {
  if (!isRoot) return undefined;
  const user = await servant();
  const path = [resolve(dir)];
  while (path[0] && path[0] !== dirname(path[0])) path.unshift(dirname(path[0]));
  for (const folder of path) if (!(await succeeds('test', ['-x', folder], user))) return folder;
  return undefined;
}

/**
 * Creates the cluster aside and moves it in place when it is whole, so that an interrupted attempt leaves nothing.
 * @param {{ bin: string, data: string, password: string, options: NonNullable<Parameters<typeof run>[2]> }} plan
 */
async function create({ bin, data, password, options }) {
  const aside = `${data}.new`;
  rmSync(aside, { recursive: true, force: true });
  const locale = ['--encoding=UTF8', '--locale=C', `--lc-ctype=${LOCALE}`];
  await run(join(bin, 'initdb'), ['-D', aside, '-U', 'hitl', '--auth=reject', ...locale], options);
  writeFileSync(join(aside, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
  const settings = ['-c', 'exit_on_error=on', '-c', 'password_encryption=scram-sha-256'];
  // Through stdin, because arguments can be read by everybody on the machine.
  const input = `ALTER USER hitl PASSWORD '${password}'\nCREATE DATABASE hitl\n`;
  await run(join(bin, 'postgres'), ['--single', '-D', aside, ...settings, 'postgres'], { ...options, input });
  renameSync(aside, data);
}
