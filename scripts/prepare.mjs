/** Makes a clone runnable: installs and builds what is missing or out of date. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CONSOLE = join(ROOT, 'dist/console/index.html');
const APPS = ['gateway', 'inference-worker', 'review-service', 'standalone'];
const [MAJOR = 0, MINOR = 0] = process.versions.node.split('.').map(Number);

/** Installs dependencies unless they are as package-lock.json wants them. */
export function ensureInstalled() {
  if (MAJOR < 20 || (MAJOR === 20 && MINOR < 19)) {
    console.error(`Node ${process.versions.node} is too old: install Node 20.19 or newer.`);
    process.exit(1);
  }
  const installed = modified(join(ROOT, 'node_modules/.package-lock.json'));
  if (installed >= modified(join(ROOT, 'package-lock.json'))) return;
  console.error('Installing dependencies (once) …');
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) process.exit(1);
}

/** Compiles the apps and the console into dist/ unless they are newer than every source file. */
export function ensureBuilt() {
  const built = Math.min(...APPS.map((app) => modified(join(ROOT, `dist/apps/${app}/main.js`))));
  const services = readdirSync(join(ROOT, 'apps')).filter((app) => app !== 'console');
  const sources = [...services.map((app) => `apps/${app}`), 'libs', 'nest-cli.json', 'tsconfig.json'];
  if (built <= newestOf(...sources, 'package-lock.json')) build();
  if (modified(CONSOLE) <= newestOf('apps/console', 'openapi.json', 'package-lock.json')) buildConsole();
}

/** Compiles all apps into dist/, or the given projects of nest-cli.json. */
export function build(projects = APPS) {
  console.error('Building …');
  const nest = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [nest, 'build', ...projects], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stdout, stderr);
    process.exit(status ?? 1);
  }
  // The compiler leaves files alone that would not change; their time must tell that they are up to date.
  const now = new Date();
  for (const app of APPS) utimesSync(join(ROOT, `dist/apps/${app}/main.js`), now, now);
}

/** Compiles the console into dist/console, against the API as openapi.json describes it. */
export function buildConsole() {
  console.error('Building the console …');
  const bin = join(ROOT, 'node_modules/.bin');
  const types = 'apps/console/src/api/schema.d.ts';
  /** @type {[string, string[]][]} */
  const steps = [
    ['openapi-typescript', ['openapi.json', '--output', types, '--alphabetize']],
    ['vite', ['build', 'apps/console', '--logLevel', 'warn']],
  ];
  for (const [command, args] of steps) {
    const { status, stdout, stderr } = spawnSync(join(bin, command), args, { cwd: ROOT, encoding: 'utf8' });
    if (status !== 0) {
      console.error(stdout, stderr);
      process.exit(status ?? 1);
    }
  }
  // For clients that are not on this machine: the gateway sends these where they are accepted.
  const assets = join(ROOT, 'dist/console/assets');
  for (const name of readdirSync(assets)) {
    if (/\.(js|css|svg)$/.test(name)) {
      writeFileSync(join(assets, `${name}.gz`), gzipSync(readFileSync(join(assets, name)), { level: 9 }));
    }
  }
}

/**
 * Runs a command in the project's folder with our own input and output; answers whether it succeeded.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
export function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (error) console.error(`«${command}» cannot be run: ${error.message}`);
  return status === 0;
}

/** @param {string[]} paths */
function newestOf(...paths) {
  return Math.max(...paths.map((path) => newest(join(ROOT, path))));
}

/** @param {string} path */
function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

/**
 * The latest change of a file, or of any file in a folder.
 * @param {string} path
 * @returns {number}
 */
function newest(path) {
  if (!existsSync(path) || !statSync(path).isDirectory()) return modified(path);
  const entries = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return Math.max(0, ...entries.map((entry) => modified(join(path, entry))));
}
