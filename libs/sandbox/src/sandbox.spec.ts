import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@hitl/testing';
import type { SandboxLimits } from './limits';
import { Sandbox } from './sandbox';

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
     pid: () => process.pid,
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
  let used: SandboxLimits;
  const met: string[] = [];
  const open = (limits: Partial<SandboxLimits> = {}, script = file): Sandbox => {
    const usual = { name: 'test', processes: 1, memoryMb: 32, timeoutMs: 30_000, maxIdleMs: 30_000 };
    used = { ...usual, maxWaiting: 100, maxWaitMs: 30_000, ...limits };
    return (sandbox = new Sandbox(script, used, (limit) => met.push(limit)));
  };
  afterEach(async () => {
    await sandbox.close();
    met.length = 0;
  });

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
    expect(met).toEqual(['time']);
  });

  it('lets a task go on that got no processor for its time, and says so where it never gets one', async () => {
    if (!existsSync('/proc/self/stat')) return;
    open({ timeoutMs: 400 });
    await sandbox.run('rest', [600]);
    await expect(sandbox.run('rest', [60_000])).rejects.toMatchObject({
      reason: 'busy',
      message: 'the machine was too busy to finish it within 1200 ms',
    });
    expect(met).toEqual(['busy']);
  });

  it('ends a task that needs too much memory, and not its process', async () => {
    open();
    await expect(sandbox.run('hoard', [])).rejects.toMatchObject({ reason: 'memory' });
    expect(await sandbox.run('echo', [3])).toBe(3);
    expect(met).toEqual(['memory']);
  });

  it('ends a process that has had nothing to do for long, and begins another one', async () => {
    open({ maxIdleMs: 1 });
    const pid = await sandbox.run<number>('pid', []);
    await until('it is gone', () => !existsSync(`/proc/${pid}`));
    expect(await sandbox.run<number>('pid', [])).not.toBe(pid);
    expect(met).toEqual([]);
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
    open({ maxWaiting: 2 });
    // It takes its time to begin.
    await sandbox.run('echo', [0]);
    used.maxWaitMs = 200;
    const long = sandbox.run('rest', [1000]);
    const waiting = [sandbox.run('echo', [1]), sandbox.run('echo', [2])];
    await expect(sandbox.run('echo', [3])).rejects.toMatchObject({ reason: 'busy' });
    for (const one of waiting) await expect(one).rejects.toMatchObject({ reason: 'busy' });
    await long;
    used.maxWaitMs = 30_000;
    expect(await sandbox.run('echo', [4])).toBe(4);
    expect(met).toEqual(['busy', 'busy', 'busy']);
  });

  it('keeps no more text of tasks that wait than fits into memory', async () => {
    open();
    const first = sandbox.run('echo', [0]);
    const large = 'x'.repeat(40_000_000);
    const waiting = sandbox.run('echo', [large]);
    await expect(sandbox.run('echo', [large])).rejects.toMatchObject({ reason: 'busy' });
    await first;
    // Too large for the process's heap.
    await expect(waiting).rejects.toMatchObject({ reason: 'memory' });
    expect(await sandbox.run('echo', [1])).toBe(1);
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

it('a process of the sandboxes ends in the middle of a task when its service is killed', async () => {
  const list = Array.from({ length: 2000 }, (_, index) => index);
  // Each answer takes as long as it may.
  const when = 'payload.list.all(x, payload.list.all(y, x + y >= 0))';
  const policy = `version: 1\nrules:\n  - { name: r, outcome: approve, when: '${when}' }\n`;
  const answers = Array.from({ length: 500 }, (_, index) => ({ jobId: `${index}`, payload: { list } }));
  const task = join(folder, 'task.json');
  writeFileSync(
    task,
    JSON.stringify({ name: 'rulings', args: JSON.stringify([policy, answers, true, null]) }),
  );
  const service = spawn(
    process.execPath,
    [
      '--eval',
      `const child = require('node:child_process').fork('dist/apps/sandbox/main.js', { serialization: 'advanced' });
       child.on('message', (reply) => {
         if (reply === 'ready') child.send(require(process.env.TASK), () => console.log(child.pid));
       });`,
    ],
    { env: { TASK: task }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [pid] = (await once(service.stdout, 'data')) as [Buffer];
  const stat = `/proc/${String(pid).trim()}/stat`;
  // In clock ticks.
  await until('it works', () => Number(readFileSync(stat, 'utf8').split(' ')[13]) > 50);
  service.kill('SIGKILL');
  await until('it has ended', () => !existsSync(stat), 10_000);
});
