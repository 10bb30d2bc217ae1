/** Makes a clone runnable: installs and builds what is missing or out of date. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const APPS = ['gateway', 'inference-worker', 'review-service', 'standalone', 'sandbox', 'cli'];
export const CONSOLE = 'console';
const API_TYPES = 'apps/console/src/api/schema.d.ts';
const [MAJOR = 0, MINOR = 0] = process.versions.node.split('.').map(Number);

/** Installs dependencies unless they are as package-lock.json wants them, whoever installed them and how. */
export function ensureInstalled() {
  if (process.platform === 'win32') {
    console.error('Windows is not supported. Clone and run this in WSL 2 (wsl --install).');
    process.exit(1);
  }
  if (MAJOR < 20 || (MAJOR === 20 && MINOR < 19)) {
    console.error(`Node ${process.versions.node} is too old: install Node 20.19 or newer.`);
    process.exit(1);
  }
  const missing = missingPackage();
  if (missing === undefined) return;
  const again = existsSync(join(ROOT, 'node_modules'))
    ? ` anew, as ${missing} is missing or of another version`
    : '';
  console.error(`Installing dependencies${again} (once; 300 MB from the npm registry, 730 MB on disk) …`);
  // Said here, for NODE_ENV=production or the user's configuration may say otherwise.
  const include = ['--include=dev', '--include=optional', '--include=peer', '--legacy-peer-deps=false'];
  if (!run('npm', ['ci', ...include, '--dry-run=false', '--no-audit', '--no-fund', '--loglevel=error'])) {
    console.error(
      'The dependencies could not be installed: npm says why above. It needs its registry and disk space.',
    );
    process.exit(1);
  }
}

/**
 * The first package that package-lock.json wants on this machine and that is not in node_modules in that version;
 * undefined where all are there. A lock of npm's own in node_modules tells what was installed; it is written last.
 * @returns {string | undefined}
 */
function missingPackage() {
  const wanted = packagesOf(join(ROOT, 'package-lock.json'));
  const installed = packagesOf(join(ROOT, 'node_modules/.package-lock.json'));
  for (const [path, { version, optional, os, cpu, libc }] of Object.entries(wanted)) {
    // What is optional and for any machine may be left out: it belongs to packages for other machines.
    const forHere = fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, libcHere);
    if (path === '' || !forHere || (optional && !os && !cpu)) continue;
    if (installed[path]?.version !== version || !existsSync(join(ROOT, path, 'package.json'))) {
      return path.replace(/^.*node_modules\//, '');
    }
  }
  return undefined;
}

/** @typedef {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} Locked */

/**
 * The packages of a lock file by their paths; none where it is missing or cut short.
 * @param {string} file
 * @returns {Record<string, Locked>}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * Whether a list of a lock file (`os`, `cpu`, `libc`) takes this machine. No list takes all.
 * @param {string[] | undefined} list
 * @param {string | (() => string)} here
 */
function fits(list, here) {
  if (!list) return true;
  const name = typeof here === 'string' ? here : here();
  return list.includes(name) || (list.every((entry) => entry.startsWith('!')) && !list.includes(`!${name}`));
}

/** @type {string | undefined} */
let libcFound;

function libcHere() {
  if (libcFound !== undefined) return libcFound;
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  libcFound = report.header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  return libcFound;
}

/** Compiles the apps and the console into dist/ unless they are newer than every source file. */
export function ensureBuilt() {
  const built = Math.min(...APPS.map((app) => modified(join(ROOT, `dist/apps/${app}/main.js`))));
  const services = readdirSync(join(ROOT, 'apps')).filter((app) => app !== CONSOLE);
  const sources = [
    ...services.map((app) => `apps/${app}`),
    'libs',
    'nest-cli.json',
    'rspack.config.mjs',
    'tsconfig.json',
  ];
  const page = modified(join(ROOT, 'dist/console/index.html'));
  const stale = [
    ...(built <= newestOf(...sources, 'package-lock.json') ? APPS : []),
    ...(page <= newestOf('apps/console', 'openapi.json', 'package-lock.json') ? [CONSOLE] : []),
  ];
  if (stale.length > 0) build(stale);
}

/** Compiles the given projects of nest-cli.json, and the console where it is among them, into dist/. */
export function build(projects = [...APPS, CONSOLE]) {
  console.error(`Building ${projects.join(', ')} …`);
  const folder = MISREAD.test(ROOT) ? copyOfSources() : ROOT;
  // Ctrl-C ends the compiler; this process ends after it, without the copy.
  process.on('SIGINT', ignore);
  try {
    const services = projects.filter((project) => project !== CONSOLE);
    if (services.length > 0) compile(folder, '@nestjs/cli/bin/nest.js', ['build', ...services]);
    if (projects.includes(CONSOLE)) {
      // Against the API as openapi.json describes it.
      const types = ['openapi.json', '--output', API_TYPES, '--alphabetize'];
      compile(folder, 'openapi-typescript/bin/cli.js', types);
      compile(folder, 'vite/bin/vite.js', [
        'build',
        'apps/console',
        '--logLevel',
        'warn',
        '--configLoader',
        'native',
      ]);
      compress(join(folder, 'dist/console/assets'));
    }
    if (folder !== ROOT) {
      if (projects.includes(CONSOLE)) rmSync(join(ROOT, 'dist/console'), { recursive: true, force: true });
      cpSync(join(folder, 'dist'), join(ROOT, 'dist'), { recursive: true });
      if (projects.includes(CONSOLE)) cpSync(join(folder, API_TYPES), join(ROOT, API_TYPES));
    }
    // The compiler leaves files alone that would not change; their time must tell that they are up to date.
    const now = new Date();
    for (const app of services.filter((name) => APPS.includes(name))) {
      utimesSync(join(ROOT, `dist/apps/${app}/main.js`), now, now);
    }
  } finally {
    process.off('SIGINT', ignore);
    if (folder !== ROOT) rmSync(folder, { recursive: true, force: true });
  }
}

function ignore() {}

/**
 * Compilers take some characters of a path for their own: `?` and `#` begin a query and a fragment, `[` a pattern.
 * These are taken by all of them as they are.
 */
const MISREAD = /[^\p{L}\p{M}\p{N}/ ._@+~,=-]/u;

/** A copy of the sources in the system's temporary folder, with a link to the dependencies. */
function copyOfSources() {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'hitl-build-'));
  const left = new Set(['.git', '.data', '.stack', 'dist', 'node_modules'].map((name) => join(ROOT, name)));
  cpSync(ROOT, folder, { recursive: true, preserveTimestamps: true, filter: (path) => !left.has(path) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/**
 * Runs a compiler in `folder`; its output is shown, and this process ends, where it fails.
 * @param {string} folder
 * @param {string} program below node_modules
 * @param {string[]} args
 */
function compile(folder, program, args) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, 'node_modules', program), ...args],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status === 0) return;
  console.error(stdout, stderr);
  if (folder !== ROOT) rmSync(folder, { recursive: true, force: true });
  process.exit(signal === 'SIGINT' ? 130 : (status ?? 1));
}

/**
 * For clients that are not on this machine: the gateway sends these where they are accepted.
 * @param {string} assets
 */
function compress(assets) {
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
