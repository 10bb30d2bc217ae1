import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource, startEmbeddedDatabase } from '@hitl/database';
import {
  copyEmbeddedDatabase,
  createTestDatabase,
  jobIn,
  runService,
  storesOn,
  type TestDatabase,
} from '@hitl/testing';
import type { DataSource } from 'typeorm';

const WHOLE = /^whole: (\d+) jobs, (\d+) events, 0 findings, digest (\d+:[0-9a-f]{64})\n$/;

const audit = (args: string[], env: Record<string, string>) => runService('cli', ['audit', ...args], env);

describe('audit verify on PostgreSQL', () => {
  let database: TestDatabase;
  let source: DataSource;
  let ids: string[];
  beforeAll(async () => {
    database = await createTestDatabase();
    source = await createDataSource(database.url, 5).initialize();
    const stores = storesOn(source);
    ids = await Promise.all(Array.from({ length: 120 }, () => jobIn(stores, 'success')));
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });
  const verify = (...args: string[]) => audit(['verify', ...args], { DATABASE_URL: database.url });

  it('says that everything is whole, and later that it still is what it was', async () => {
    const first = await verify();
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const [, jobs, events, digest] = WHOLE.exec(first.stdout) as RegExpExecArray;
    expect([jobs, events]).toEqual(['120', '360']);
    await jobIn(storesOn(source), 'human');
    expect(await verify('--digest', String(digest))).toEqual({
      code: 0,
      stdout: `whole: 121 jobs, 362 events, 0 findings, digest ${digest}\n`,
      stderr: '',
    });
    const other = String(digest).replace(/.{6}$/, 'ffffff');
    expect(await verify('--digest', other)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`The events are not those of the digest ${other}\nNOT WHOLE: `),
    });
  });

  it('names what was tampered with, up to a hundred events', async () => {
    await database.query(`UPDATE job_events SET actor = 'mallory' WHERE job_id = ANY ($1) AND seq = 3`, [
      ids.slice(0, 1),
    ]);
    const one = await verify('--job', String(ids[0]).toUpperCase());
    const changed =
      'does not match its hash: it was changed, or put here, or the hash of the event before was changed';
    expect(one.code).toBe(1);
    expect(one.stdout).toContain(`job ${ids[0]}, event 3 (decided): ${changed}\n`);
    expect(one.stdout).toMatch(/\nNOT WHOLE: 1 jobs, 3 events, 2 findings\n$/);
    expect(await verify('--job', String(ids[1]))).toMatchObject({
      code: 0,
      stdout: 'whole: 1 jobs, 3 events, 0 findings\n',
    });
    await database.query(`UPDATE job_events SET revision = 2 WHERE seq = 2`);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout.split('\n').filter((line) => line.startsWith('job '))).toHaveLength(100);
    expect(stdout).toMatch(/\n… and \d+ more\nNOT WHOLE: /);
  });

  it('says that there is no such job', async () => {
    const id = randomUUID();
    expect(await verify('--job', id)).toMatchObject({
      code: 1,
      stdout: `job ${id}: there is no such job\nNOT WHOLE: 1 jobs, 0 events, 1 findings\n`,
    });
  });

  it('explains itself when asked for anything else', async () => {
    const { code, stdout, stderr } = await verify('all');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      '«all» is one too many. Usage: npm run hitl -- audit verify [--job ID | --digest DIGEST | --file FILE --public-key FILE]\n',
    );
  });

  it('says why it cannot run', async () => {
    const empty = await createTestDatabase('template0');
    const { code, stdout, stderr } = await audit(['verify'], { DATABASE_URL: empty.url });
    await empty.drop();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^The audit cannot run\. The database schema is older than this version\./);
  });
});

describe('audit verify on the embedded database', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hitl-e2e-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('asks for the data folder, and verifies what is in it', async () => {
    copyEmbeddedDatabase(folder);
    const embedded = await startEmbeddedDatabase(folder);
    const source = await createDataSource(embedded.url, 1).initialize();
    await jobIn(storesOn(source), 'success');
    const busy = await audit(['verify'], { DATA_DIR: folder });
    await source.destroy();
    await embedded.close();
    expect(busy).toMatchObject({
      code: 2,
      stderr: `The audit cannot run. Another process uses the data folder ${folder}. Stop it, or set DATA_DIR to another folder.\n`,
    });
    const { code, stdout } = await audit(['verify'], { DATA_DIR: folder });
    expect([code, stdout]).toEqual([0, expect.stringMatching(WHOLE)]);
    expect(stdout).toMatch(/^whole: 1 jobs, 3 events, /);
  });
});
