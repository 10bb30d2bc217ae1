import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { quick } from '@hitl/domain';
import pg from 'pg';
import { createDataSource, dataSourceOptions } from './data-source';

/** The server's words for "you are in" and "ask me". */
const AUTHENTICATED = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
/** … and its answer to a statement: "SELECT 0". */
const NO_ROWS = Buffer.concat([Buffer.from([0x43, 0, 0, 0, 13]), Buffer.from('SELECT 0\0')]);

describe('a connection to a server that goes silent', () => {
  let server: Server;
  let sockets: Socket[];
  let url: string;
  /** Whether the server lets clients in before it goes silent. */
  let polite: boolean;
  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      if (!polite) return;
      socket.once('data', () => {
        socket.write(Buffer.concat([AUTHENTICATED, READY]));
        // The first statement is what every connection begins with: its role.
        socket.once('data', () => socket.write(Buffer.concat([NO_ROWS, READY])));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `postgres://hitl:x@127.0.0.1:${(server.address() as AddressInfo).port}/hitl`;
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('is given up while it opens', async () => {
    polite = false;
    const source = createDataSource(url, 1);
    source.setOptions({ connectTimeoutMS: 100 });
    await expect(source.initialize()).rejects.toThrow(/timeout/i);
  });

  it.each([
    ["by the pool's callback", (pool: pg.Pool) => pool.query('SELECT 1')],
    [
      "by a promise, TypeORM's way",
      async (pool: pg.Pool) => {
        const client = await pool.connect();
        client.on('error', () => undefined);
        await client.query('SELECT 1').finally(() => {
          client.release();
        });
      },
    ],
  ])('is destroyed when no answer comes, asked %s', async (_name, ask) => {
    polite = true;
    const pool = new pg.Pool({
      ...(dataSourceOptions(url, 1).extra as object),
      connectionString: url,
      max: 1,
      query_timeout: 100,
    });
    pool.on('error', () => undefined);
    await expect(ask(pool)).rejects.toThrow('Query read timeout');
    await expect(ask(pool)).rejects.toThrow('Query read timeout');
    expect(sockets).toHaveLength(2);
    await pool.end();
  });

  it('is given up after five seconds where a statement has no long work', async () => {
    polite = true;
    const pool = new pg.Pool({
      ...(dataSourceOptions(url, 1).extra as object),
      connectionString: url,
      max: 1,
      query_timeout: 600_000,
    });
    pool.on('error', () => undefined);
    await expect(pool.query(quick('SELECT 1'))).rejects.toThrow('Query read timeout');
    await pool.end();
  }, 60_000);
});
