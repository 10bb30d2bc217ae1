import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource, startEmbeddedDatabase, type EmbeddedDatabase } from '@hitl/database';
import { prepared } from '@hitl/domain';
import { copyEmbeddedDatabase } from '@hitl/testing';
import pg from 'pg';

describe('the one session of the embedded database', () => {
  let folder: string;
  let embedded: EmbeddedDatabase;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hitl-embedded-'));
    copyEmbeddedDatabase(folder);
    embedded = await startEmbeddedDatabase(folder);
  });
  afterAll(async () => {
    await embedded.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const connected = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: embedded.url, connectionTimeoutMillis: 5000 });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const cut = async (client: pg.Client): Promise<void> => {
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    stream.destroy();
    await once(stream, 'close');
  };
  const raw = async (...messages: Buffer[]): Promise<Socket> => {
    const socket = connect(join(new URL(embedded.url).searchParams.get('host')!, '.s.PGSQL.5432'));
    const startup = Buffer.from('\0\0\0\0\0\x03\0\0user\0postgres\0database\0postgres\0\0', 'latin1');
    startup.writeInt32BE(startup.length, 0);
    await once(socket, 'connect');
    socket.write(Buffer.concat([startup, ...messages]));
    return socket;
  };
  const message = (type: string, body: string): Buffer => {
    const bytes = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1');
    bytes.writeInt32BE(bytes.length - 1, 1);
    return bytes;
  };

  it('is a new one for each connection, whatever the one before has left', async () => {
    const before = await connected();
    await before.query({ name: 'twice', text: 'SELECT $1::int AS n', values: [1] });
    await before.query(`SET ROLE hitl_app; SET search_path = nowhere; CREATE TEMP TABLE mine (n int)`);
    await before.query('SELECT pg_advisory_lock(7)');
    await before.query('BEGIN');
    await before.query('SAVEPOINT half_way');
    await before.query('nonsense').catch(() => undefined);
    await cut(before);

    const after = await connected();
    const { rows } = await after.query({ name: 'twice', text: 'SELECT $1::text AS n', values: ['2'] });
    expect(rows).toEqual([{ n: '2' }]);
    expect(
      (
        await after.query(`SELECT current_user AS role, current_setting('search_path') AS path,
                                  (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks,
                                  to_regclass('pg_temp.mine') AS mine, now() = statement_timestamp() AS begun`)
      ).rows,
    ).toEqual([{ role: 'postgres', path: 'public', locks: 0, mine: null, begun: true }]);
    await after.end();
  });

  it('takes statements with names again after an answer came too late', async () => {
    const source = createDataSource(embedded.url, 1);
    source.setOptions({ extra: { ...(source.options.extra as object), query_timeout: 300 } });
    await source.initialize();
    const statement = prepared('late', 'SELECT $1::int AS n');
    expect(await source.query(statement, [1])).toEqual([{ n: 1 }]);
    // The database runs in this process: it stands still meanwhile, as a suspended one does.
    await expect(source.query('SELECT pg_sleep(1)')).rejects.toThrow('Query read timeout');
    expect(await source.query(statement, [2])).toEqual([{ n: 2 }]);
    await source.destroy();
  });

  it('outlives a client that leaves in the middle of an exchange, or says nothing that it knows', async () => {
    const parse = message('P', '\0this is no SQL\0\0\0');
    for (const bytes of [
      parse,
      parse.subarray(0, 7),
      message('Q', 'BEGIN; SELECT 1\0'),
      Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      const socket = await raw(bytes);
      await once(socket, 'data');
      socket.destroy();
      const client = await connected();
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      await client.end();
    }
  });

  it('lets a second connection wait until the first is closed', async () => {
    const first = await connected();
    const second = connected();
    expect((await first.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await first.end();
    const client = await second;
    expect((await client.query('SELECT 2 AS n')).rows).toEqual([{ n: 2 }]);
    await client.end();
  });

  it('takes and gives 20 MB at once', async () => {
    const client = await connected();
    const text = 'x'.repeat(20_000_000);
    const { rows } = await client.query<{ text: string }>('SELECT $1::text AS text', [text]);
    expect(rows[0]!.text.length).toBe(text.length);
    await client.end();
  });
});

it('leaves nothing in the temporary folder when the embedded database is closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-embedded-'));
  copyEmbeddedDatabase(folder);
  const embedded = await startEmbeddedDatabase(folder);
  const sockets = new URL(embedded.url).searchParams.get('host')!;
  expect(existsSync(sockets)).toBe(true);
  await embedded.close();
  expect(existsSync(sockets)).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});
