import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@hitl/testing';
import { Sandbox, type SandboxLimits } from './sandbox';

const folder = mkdtempSync(join(tmpdir(), 'hitl-sandbox-'));
const file = join(folder, 'tasks.mjs');
// Speaks as serveTasks does.
writeFileSync(
  file,
  `const tasks = {
     echo: (value) => value,
     loop: () => { for (;;); },
     hoard: () => { const all = []; for (;;) all.push(new Array(1000).fill({})); },
     fail: () => { throw new Error('it cannot be'); },
     rest: (ms) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); },
     secrets: () => Object.keys(process.env),
   };
   process.on('message', ({ name, args }) => {
     try {
       process.send({ result: JSON.stringify(tasks[name](...JSON.parse(args)) ?? null) });
     } catch (error) {
       process.send({ error: error.message });
     }
   });
   process.send('ready');`,
);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a sandbox', () => {
  let sandbox: Sandbox;
  const open = (limits: Partial<SandboxLimits> = {}, script = file): Sandbox => {
    const usual = { name: 'test', processes: 1, memoryMb: 32, timeoutMs: 30_000 };
    return (sandbox = new Sandbox(script, { ...usual, maxWaiting: 100, maxWaitMs: 30_000, ...limits }));
  };
  afterEach(() => sandbox.close());

  it('answers what the task answers, as JSON says it', async () => {
    const value = JSON.parse('{"__proto__":[1,null,"\\u0000"],"a":{}}') as unknown;
    expect(JSON.stringify(await open().run('echo', [value]))).toBe(JSON.stringify(value));
  });

  it('passes on what a task throws, and goes on', async () => {
    open();
    await expect(sandbox.run('fail', [])).rejects.toMatchObject({
      reason: 'failed',
      message: 'it cannot be',
    });
    expect(await sandbox.run('echo', [1])).toBe(1);
  });

  it('ends a task that takes too long, and does the next one in a new process', async () => {
    open({ timeoutMs: 300 });
    const endless = sandbox.run('loop', []);
    const next = sandbox.run('echo', [2]);
    await expect(endless).rejects.toMatchObject({ reason: 'time' });
    expect(await next).toBe(2);
  });

  it('ends a task that needs too much memory, and not its process', async () => {
    open();
    await expect(sandbox.run('hoard', [])).rejects.toMatchObject({ reason: 'memory' });
    expect(await sandbox.run('echo', [3])).toBe(3);
  });

  it('lets owners take turns', async () => {
    open();
    const ended: string[] = [];
    const run = (owner: string) => sandbox.run('rest', [1], owner).then(() => ended.push(owner));
    const many = Array.from({ length: 10 }, () => run('many'));
    await Promise.all([...many, run('one'), run('other')]);
    expect(ended.indexOf('one')).toBeLessThan(3);
    expect(ended.indexOf('other')).toBeLessThan(4);
  });

  it('begins no task beyond those that may wait, and none that has waited too long', async () => {
    open({ maxWaiting: 2, maxWaitMs: 200 });
    // A process may need longer to begin than a task may wait.
    await until('a process is there', () =>
      sandbox.run('echo', [0]).then(
        () => true,
        () => false,
      ),
    );
    const long = sandbox.run('rest', [1000]);
    const waiting = [sandbox.run('echo', [1]), sandbox.run('echo', [2])];
    await expect(sandbox.run('echo', [3])).rejects.toMatchObject({ reason: 'busy' });
    for (const one of waiting) await expect(one).rejects.toMatchObject({ reason: 'busy' });
    await long;
    expect(await sandbox.run('echo', [4])).toBe(4);
  });

  it('says why its processes cannot begin', async () => {
    open({}, join(folder, 'missing.mjs'));
    for (let round = 0; round < 2; round += 1) {
      await expect(sandbox.run('echo', [1])).rejects.toMatchObject({
        reason: 'failed',
        message: expect.stringContaining('missing.mjs'),
      });
    }
  });

  it('hands on nothing of the environment', async () => {
    expect(await open().run('secrets', [])).toEqual([]);
  });
});
