import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { readConfig } from '@hitl/config';
import { registry } from '@hitl/observability';
import { PolicyFile } from './policy-file.service';

Logger.overrideLogger(false);
const policy = (name: string): string => `version: 1\nrules: [{ name: ${name} }]\n`;
const BROKEN = 'version: 1\nrules: [{ nme: x }]\n';

describe('the policy file', () => {
  let folder: string;
  let path: string;
  let file: PolicyFile;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hitl-policy-'));
    path = join(folder, 'policy.yaml');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    jest.restoreAllMocks();
  });

  const open = async (): Promise<void> => {
    file = new PolicyFile(readConfig({ REVIEW_POLICY_FILE: path }));
    await file.onModuleInit();
  };
  const inForce = (): string | undefined => file.current?.rules[0]?.name;
  const reloadOk = async (): Promise<string | undefined> =>
    /^hitl_policy_reload_ok (\d)$/m.exec(await registry.metrics())?.[1];

  it('need not be: then there is no policy, and the usual reasons of a rejection', async () => {
    file = new PolicyFile(readConfig({}));
    await file.onModuleInit();
    expect([file.current, file.fault, file.loadedAt]).toEqual([null, null, null]);
    expect(file.rejectReasons[0]).toEqual({ code: 'incorrect', label: 'Factually wrong' });
  });

  it.each([
    ['is not there', undefined, /ENOENT/],
    ['has faults', BROKEN, /^ {2}\/rules\/0\/nme: there is no such key.*\n {2}\/rules\/0\/name: is missing/m],
    ['is not UTF-8', Buffer.from([0x23, 0xff]), /it is not UTF-8/],
    ['is too large', `# ${'x'.repeat(2_000_000)}`, /the most is 1048576/],
  ])('refuses the start when it %s', async (_what, content, message) => {
    if (content !== undefined) writeFileSync(path, content);
    file = new PolicyFile(readConfig({ REVIEW_POLICY_FILE: path }));
    await expect(file.onModuleInit()).rejects.toThrow(message);
  });

  it('is in force once it has changed', async () => {
    writeFileSync(path, policy('one'));
    await open();
    expect(inForce()).toBe('one');
    const { loadedAt } = file;
    writeFileSync(path, policy('two'));
    await file.look();
    expect(inForce()).toBe('two');
    expect(Number(file.loadedAt)).toBeGreaterThan(Number(loadedAt));
  });

  it('is followed through the links of a mounted ConfigMap', async () => {
    for (const version of ['one', 'two']) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'policy.yaml'), policy(version));
    }
    symlinkSync('one', join(folder, '..data'));
    symlinkSync('..data/policy.yaml', path);
    await open();
    expect(inForce()).toBe('one');
    symlinkSync('two', join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    await file.look();
    expect(inForce()).toBe('two');
  });

  it('stays in force as it was when it breaks or vanishes, says so once each, and comes back', async () => {
    const errors = jest.spyOn(Logger.prototype, 'error');
    writeFileSync(path, policy('one'));
    await open();
    expect(await reloadOk()).toBe('1');

    writeFileSync(path, BROKEN);
    await file.look();
    expect(file.fault).toContain('/rules/0/nme');
    expect([inForce(), await reloadOk()]).toEqual(['one', '0']);
    // A look that finds the same has nothing new to say.
    await file.look();
    rmSync(path);
    await file.look();
    expect(file.fault).toContain('ENOENT');
    expect([inForce(), await reloadOk()]).toEqual(['one', '0']);
    writeFileSync(path, policy('one'));
    await file.look();
    expect(file.fault).toBeNull();
    expect([inForce(), await reloadOk()]).toEqual(['one', '1']);
    expect(errors.mock.calls.map(([line]) => (line as { faults: string[] }).faults[0])).toEqual([
      expect.stringContaining('/rules/0/nme: there is no such key'),
      expect.stringContaining('ENOENT'),
    ]);
  });
});
