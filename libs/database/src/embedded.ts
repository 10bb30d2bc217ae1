import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, realpathSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleSessionServer } from './single-session-server';

export interface EmbeddedDatabase {
  /** For `pg`. One connection is served at a time; another one waits until it is closed. */
  url: string;
  close(): Promise<void>;
}

/**
 * PostgreSQL inside this process, with its data in `dataDir`/postgres. Reached through a Unix socket in a private
 * folder, so that no other user of the machine can.
 * @throws Error when another process has the folder open
 */
export async function startEmbeddedDatabase(dataDir: string): Promise<EmbeddedDatabase> {
  const { PGlite } = await import('@electric-sql/pglite');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const sockets = socketFolder(dataDir);
  const lock = await lockFolder(join(sockets, 'lock'), dataDir);
  const path = join(sockets, '.s.PGSQL.5432');
  rmSync(path, { force: true });
  try {
    const db = await PGlite.create(join(dataDir, 'postgres'));
    const server = new SingleSessionServer(db);
    await server.listen(path);
    return {
      url: `postgres://postgres@localhost/postgres?host=${encodeURIComponent(sockets)}`,
      async close() {
        await server.close();
        await db.close();
        lock.close();
        await once(lock, 'close');
        removeEmpty(sockets);
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Removes a folder, unless another process has begun to use it. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // What is in it is not ours.
  }
}

/** A short path, since a socket's may have about 100 characters; the same for every process with this data folder. */
function socketFolder(dataDir: string): string {
  const name = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `hitl-${name}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (statSync(folder).uid !== process.getuid?.()) {
    throw new Error(`${folder} belongs to another user. Remove it, or set TMPDIR to a folder of your own.`);
  }
  chmodSync(folder, 0o700);
  return folder;
}

/**
 * Two processes in one data folder would destroy it. Whoever listens on the socket has the folder, and a process
 * that dies listens no more.
 */
async function lockFolder(path: string, dataDir: string): Promise<Server> {
  if (await isListening(path)) {
    throw new Error(
      `Another process uses the data folder ${dataDir}. Stop it, or set DATA_DIR to another folder.`,
    );
  }
  rmSync(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  server.unref();
  return server;
}

async function isListening(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
