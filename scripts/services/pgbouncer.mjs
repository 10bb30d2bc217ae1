/** A private PgBouncer in front of a PostgreSQL, for the tests: the machine must have the program. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, greets, isRoot, PATH, server } from './process.mjs';

/**
 * The path of the PgBouncer on this machine, or undefined.
 * @returns {string | undefined}
 */
export function findPgBouncer() {
  // Debian puts it where only root looks.
  return [...PATH, '/usr/sbin'].map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
}

/**
 * Starts PgBouncer as it is installed, with nothing but what it must be told. As root it runs as the user `nobody`.
 * @param {{ dir: string, url: string, mode: 'session' | 'transaction' }} options `url` is the PostgreSQL's
 * @returns {Promise<{ url: string } & import('./process.mjs').Server>}
 */
export async function startPgBouncer({ dir, url, mode }) {
  const command = findPgBouncer();
  if (!command) throw new Error('There is no PgBouncer on this machine.');
  const target = new URL(url);
  const port = await freePort();
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const users = join(dir, 'users.txt');
  writeFileSync(users, `"${target.username}" "${target.password}"\n`, { mode: 0o644 });
  const settings = join(dir, 'pgbouncer.ini');
  writeFileSync(
    settings,
    `[databases]
* = host=${target.hostname} port=${target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = ${mode}
`,
    { mode: 0o644 },
  );
  const hello = Buffer.from('\0\0\0\0\0\x03\0\0user\0hitl\0database\0hitl\0\0', 'latin1');
  hello.writeInt32BE(hello.length);
  const pooler = server({
    name: 'pgbouncer',
    dir,
    port,
    command,
    args: [...(isRoot ? ['-u', 'nobody'] : []), settings],
    env: process.env,
    user: {},
    quit: 'SIGTERM',
    ready: () => greets(port, hello, 'R'),
  });
  await pooler.start();
  target.host = `127.0.0.1:${port}`;
  return { url: target.href, ...pooler };
}
