import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@hitl/testing';

const ROOT = process.cwd();
let folder: string;

/** A clone as it comes from git, as far as the scripts look at it, with nothing installed. */
function cloneInto(name: string): string {
  const clone = join(folder, name);
  mkdirSync(clone);
  for (const path of [
    'scripts',
    'apps',
    'libs',
    'test',
    'package.json',
    'package-lock.json',
    'nest-cli.json',
    'rspack.config.mjs',
    'tsconfig.json',
    'openapi.json',
  ]) {
    cpSync(join(ROOT, path), join(clone, path), { recursive: true });
  }
  return clone;
}

/** Where `npm` only writes down what it was called with, and fails. */
function pathWithoutNpm(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "npm $*"\nexit 1\n`);
  chmodSync(join(bin, 'npm'), 0o755);
  return [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
}

async function run(clone: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, args, {
    cwd: clone,
    env: { PATH: pathWithoutNpm(), HOME: folder, TMPDIR: tmpdir(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: code as number, stdout, stderr };
}

function childOf(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hitl-scripts-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('on a fresh clone', () => {
  let clone: string;
  beforeAll(() => {
    clone = cloneInto('fresh');
  });

  const scripts = Object.entries(
    (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
      .scripts,
  );

  // What `npm test` takes is tested with its own arguments.
  it.each(scripts.filter(([name]) => name !== 'test'))(
    'npm run %s -- --help says what it takes, and does nothing',
    async (name, command) => {
      const [, script = ''] = /^node (scripts\/[\w-]+\.mjs)$/.exec(command) ?? [];
      const { code, stdout, stderr } = await run(clone, [script, '--help']);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^Usage: npm (run )?${name}`));
      expect(existsSync(join(clone, 'node_modules'))).toBe(false);
    },
  );

  it.each([
    ['start', 'It takes no arguments.'],
    ['stack', 'It takes no arguments.'],
    ['build', 'Known are: gateway, inference-worker, review-service, standalone, sandbox, cli, console.'],
    ['check', 'Known are: openapi, format, lint,'],
    ['bench', 'Known are: lifecycles, passes, held, neighbours, console, claim-next.'],
    ['format', 'It takes no arguments.'],
    ['hitl', 'There is no command «frobnicate»: migrate, openapi, policy check, audit verify, keys create,'],
    ['test', 'Families are: unit, k8s, contract, e2e, faults, console.'],
  ])(
    'npm run %s refuses an argument that it does not know, and says which there are',
    async (name, known) => {
      const { code, stdout, stderr } = await run(clone, [`scripts/${name}.mjs`, 'frobnicate']);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(known);
      expect(stderr).toMatch(/^(Usage: )?npm |\(npm run hitl -- --help\)$/m);
    },
  );

  it.each([
    ['check', 'tpyes', 'Did you mean types?'],
    ['build', 'gatway', 'Did you mean gateway?'],
    ['test', 'contrct', 'Did you mean contract?'],
    ['test', '--without=browsr', 'Did you mean browser?'],
  ])('npm run %s asks about %s what was meant, and does nothing', async (name, slip, told) => {
    const { code, stdout, stderr } = await run(clone, [`scripts/${name}.mjs`, slip]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(told);
    expect(existsSync(join(clone, 'node_modules'))).toBe(false);
  });

  it('says in one line that Windows is not supported', async () => {
    const windows = "data:text/javascript,Object.defineProperty(process, 'platform', { value: 'win32' })";
    const { code, stdout, stderr } = await run(clone, ['--import', windows, 'scripts/start.mjs']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe('Windows is not supported. Clone and run this in WSL 2 (wsl --install).\n');
  });
});

describe('npm start installs', () => {
  const locked = {
    lockfileVersion: 3,
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', dev: true },
    },
  };

  /** Begins a start on what is installed; answers how npm was called, undefined where it was not. */
  async function installOf(
    name: string,
    installed: object | undefined,
    folders: string[],
    env?: Record<string, string>,
  ) {
    const clone = cloneInto(name);
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(locked));
    for (const each of folders) {
      mkdirSync(join(clone, 'node_modules', each), { recursive: true });
      writeFileSync(join(clone, 'node_modules', each, 'package.json'), '{}');
    }
    if (installed)
      writeFileSync(join(clone, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
    const { stdout, stderr } = await run(clone, ['scripts/start.mjs'], env);
    return /^npm .*$/m.exec(stdout + stderr)?.[0];
  }
  const a = { 'node_modules/a': { version: '1.0.0' } };
  const b = { 'node_modules/b': { version: '2.0.0' } };

  it('all dependencies, whatever NODE_ENV says', async () => {
    expect(await installOf('none', undefined, [], { NODE_ENV: 'production' })).toMatch(
      /^npm ci .*--include=dev/,
    );
  });

  it('what npm ci --omit=dev left out', async () => {
    expect(await installOf('production', a, ['a'])).toMatch(/^npm ci /);
  });

  it('what an interrupted install did not come to', async () => {
    expect(await installOf('interrupted', undefined, ['a', 'b'])).toMatch(/^npm ci /);
  });

  it('what somebody has removed', async () => {
    expect(await installOf('removed', { ...a, ...b }, ['a'])).toMatch(/^npm ci /);
  });

  it('another version than the one that is there', async () => {
    expect(await installOf('older', { ...a, 'node_modules/b': { version: '1.9.0' } }, ['a', 'b'])).toMatch(
      /^npm ci /,
    );
  });

  it('nothing where all is there', async () => {
    expect(await installOf('whole', { ...a, ...b }, ['a', 'b'])).toBeUndefined();
  });
});

it.each(['a#b', 'what? 100% [new] ünï'])('builds in a folder that is called %s', async (name) => {
  const clone = cloneInto(name);
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const { code, stderr } = await run(clone, ['scripts/build.mjs', 'review-service', 'console']);
  expect(stderr).toMatch(/^Building review-service, console …\n$/);
  expect(code).toBe(0);
  expect(readFileSync(join(clone, 'dist/console/index.html'), 'utf8')).toContain('<script');
  const started = await run(clone, ['dist/apps/review-service/main.js', 'migrate']);
  expect(started).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^review-service takes no arguments\. .*\n$/),
  });
});

it('leaves nothing behind when Ctrl-C comes while it builds in such a folder', async () => {
  const clone = cloneInto('c#d');
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const child = spawn(process.execPath, ['scripts/build.mjs', 'review-service'], {
    cwd: clone,
    env: { PATH: pathWithoutNpm(), HOME: folder, TMPDIR: temporary },
    stdio: 'ignore',
    detached: true,
  });
  const compiler = await until('the compiler runs', () => childOf(child.pid!));
  expect(readdirSync(temporary)).toHaveLength(1);
  process.kill(-child.pid!, 'SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
  expect(existsSync(`/proc/${compiler}`)).toBe(false);
  expect(readdirSync(temporary)).toEqual([]);
});

it('pins every image by its digest, and Node to the version of .nvmrc', () => {
  const bases = readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8').match(/^FROM \S+[:@]\S+/gm) ?? [];
  const images = ['docker/compose.yaml', 'k8s/overlays/dev/services.yaml'].flatMap(
    (file) => readFileSync(join(ROOT, file), 'utf8').match(/(?<=image: )(postgres|rabbitmq)\S+/g) ?? [],
  );
  expect(bases.length + images.length).toBe(5);
  for (const image of [...bases, ...images]) expect(image).toMatch(/:[\w.-]+@sha256:[0-9a-f]{64}$/);
  expect(bases[0]).toContain(`FROM node:${readFileSync(join(ROOT, '.nvmrc'), 'utf8').trim()}.`);
});
