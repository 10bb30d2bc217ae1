import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runService, startStack, type Stack } from '@hitl/testing';

const pair = () =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

describe('the audit log of a day', () => {
  const keys = pair();
  let stack: Stack;
  let folder: string;
  let id: string;
  /** A day on which everything has happened; nothing has on others. */
  let day: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hitl-audit-'));
    stack = await startStack('services', { AUDIT_SIGNING_KEY: keys.privateKey });
    ({ id } = await stack.submit({ input: 'a very secret question' }));
    await stack.reaches(id, 'human');
    await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'a very secret note' });
    await stack.decide(id, { verdict: 'reject', reason: 'a very secret reason', reason_code: 'other' });
    await stack.reaches(id, 'fail');
    // More than two pages, without the chain's trigger, and something of another project.
    await stack.database.query(
      `SET session_replication_role = replica;
       INSERT INTO job_events (job_id, type, status, revision, actor, seq, hash)
       SELECT '${id}', 'noted', 'fail', 1, 'rob', 4 + n, sha256(n::text::bytea) FROM generate_series(1, 2500) n;
       RESET session_replication_role`,
    );
    const other = (await stack.submit({ input: 'elsewhere' })).id;
    await stack.reaches(other, 'human');
    await stack.database.query(`UPDATE jobs SET project = 'other' WHERE id = $1`, [other]);
    day = dayBefore(2);
    await stack.database.query(`UPDATE job_events SET created_at = $1::date + interval '12 hours'`, [day]);
  });

  afterAll(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true });
  });

  const read = (date: string) => stack.http.get(`/v1/audit?date=${date}`);
  const linesOf = (text: string): any[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const verify = (text: string, publicKey = keys.publicKey) => {
    const [file, key] = [join(folder, 'day'), join(folder, 'key')];
    writeFileSync(file, text);
    writeFileSync(key, publicKey);
    return runService('cli', ['audit', 'verify', '--file', file, '--public-key', key], {});
  };

  it('has every event of the project with its hash, nothing of what jobs are about, and a signed digest', async () => {
    const { status, text, headers } = await read(day);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/x-ndjson; charset=utf-8']);
    const lines = linesOf(text);
    const { digest } = lines.pop();
    const events = await stack.database.query(
      `SELECT seq, type, encode(hash, 'hex') AS hash FROM job_events WHERE job_id = $1 ORDER BY seq`,
      [id],
    );
    expect(lines.map(({ seq, type, hash }) => ({ seq, type, hash }))).toEqual(events);
    expect(lines.every(({ job_id }) => job_id === id)).toBe(true);
    expect(lines.find(({ type }) => type === 'decided')).toMatchObject({
      status: 'fail',
      at: expect.stringMatching(/\.\d{6}Z$/),
      data: { verdict: 'reject', reason_code: 'other', decision_id: expect.any(String) },
    });
    expect(text).not.toContain('a very secret');
    expect(digest).toMatchObject({ project: 'default', date: day, events: events.length });
    expect(await verify(text)).toEqual({
      code: 0,
      stdout: `whole: ${events.length} events of the project default on ${day}\n`,
      stderr: '',
    });
  });

  it('is known by its signature, and names what does not fit', async () => {
    const { text } = await read(day);
    const lines = text.trimEnd().split('\n');
    const without = (index: number) => `${lines.filter((_, each) => each !== index).join('\n')}\n`;
    const told = async (...args: Parameters<typeof verify>) => {
      const { code, stdout } = await verify(...args);
      expect(code).toBe(1);
      return stdout;
    };
    expect(await told(text.replace('"verdict":"reject"', '"verdict":"approve"'))).toContain(
      'The events are not those of the digest\nNOT WHOLE',
    );
    expect(await told(without(1))).toContain(`Line 2: event 3 of job ${id} follows number 1\n`);
    expect(await told(without(lines.length - 1))).toBe(
      'The last line is no digest: the file is not whole\nNOT WHOLE\n',
    );
    expect(await told(text, pair().publicKey)).toContain('The digest is not signed with this key\n');
    expect(await told(text.replace(`"date":"${day}"`, `"date":"${dayBefore(3)}"`))).toContain(
      'not signed with',
    );
    expect(await verify(text, 'no key')).toMatchObject({ code: 2 });
  });

  it('stays the same, also when contents are erased', async () => {
    const { text } = await read(day);
    expect((await stack.http.post(`/v1/jobs/${id}/erase`, { reason: 'asked for' })).status).toBe(200);
    expect((await read(day)).text).toBe(text);
  });

  it('has no events where nothing happened, and is refused where the day is not over', async () => {
    const empty = await read(dayBefore(9));
    expect(linesOf(empty.text)).toEqual([{ digest: expect.objectContaining({ events: 0 }) }]);
    for (const date of [dayBefore(0), dayBefore(-5), '2026-02-30', 'yesterday', '']) {
      expect((await read(date)).body).toMatchObject({ status: 400, code: 'invalid_request' });
    }
  });
});
