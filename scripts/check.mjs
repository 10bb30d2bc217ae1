/** `npm run check`: everything that can be said about the code without running it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { readArguments } from './arguments.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const BIN = join(ROOT, 'node_modules/.bin');
const OPENAPI = join(ROOT, 'openapi.json');
const UNIONS = join(ROOT, 'apps/console/src/api/unions.ts');
/** Longest time that one check may take, in milliseconds. */
const LIMIT = 600_000;
/** The npm of the oldest Node that is supported, and the newest that runs on this one: both must accept the lock. */
const NPMS = ['10.8.2', Number(process.versions.node.split('.')[0]) >= 22 ? 'latest' : '11'];

/** @type {Record<string, (fix: boolean) => Promise<string | undefined> | string | undefined>} each answers what is wrong */
const CHECKS = {
  openapi: checkDocument,
  format: (fix) => tool('prettier', [fix ? '--write' : '--check', '--log-level=warn', '.']),
  lint: (fix) => tool('eslint', ['--max-warnings=0', ...(fix ? ['--fix'] : []), '.']),
  types: () => tool('tsc', ['--noEmit']),
  'console-types': () => tool('tsc', ['--noEmit', '--project', 'apps/console']),
  boundaries: () => tool('depcruise', ['--output-type=err', 'apps', 'libs', 'scripts', 'test']),
  unused: () => tool('knip', []),
  'class-names': checkClassNames,
  'doc-paths': checkDocPaths,
  'openapi-rules': () => tool('redocly', ['lint', 'openapi.json']),
  // Not before it is asked for: it needs what a fresh clone has not installed yet.
  words: async () => (await import('./words.mjs')).checkWords(ROOT),
  lock: checkLock,
};
/** These write files where they may: each goes alone. */
const WRITERS = ['openapi', 'format', 'lint'];

const { parts, options } = readArguments(
  `
Usage: npm run check [-- [--fix] NAME …]
  runs all checks, or those that are named; --fix repairs what it can (${WRITERS.join(', ')})
Names:
  openapi        openapi.json is what the gateway says of itself, and the console has its unions
  format, lint   prettier and eslint
  types          of the apps, libraries, scripts and tests; console-types: of the console
  boundaries     which folder may import which
  unused         files, exports and dependencies that nothing uses
  class-names    no two classes have one name: one process may run both, and logs name them
  doc-paths      every file and folder that a page names is there
  openapi-rules  openapi.json is OpenAPI
  words          docs, comments of configuration, errors and pages use the words of docs/glossary.md
  lock           ${NPMS.map((version) => `npm@${version}`).join(' and ')} accept package-lock.json (asks npm's registry)
`,
  { parts: Object.keys(CHECKS), options: ['--fix'] },
);
ensureInstalled();
ensureBuilt();
const fix = options.has('--fix');

let failed = false;
/** @param {string} name */
async function check(name) {
  const fault = await CHECKS[name]?.(fix);
  console.log(fault === undefined ? `ok   ${name}` : `FAIL ${name}\n${fault}\n`);
  failed ||= fault !== undefined;
}

/**
 * Runs a program and answers what it printed where it failed.
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 * @returns {Promise<string | undefined>}
 */
async function output(command, args, cwd = ROOT) {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT,
    env: {
      ...process.env,
      npm_config_fetch_retries: '1',
      REDOCLY_TELEMETRY: 'off',
      REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
    },
  });
  const [stdout, stderr, [status, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (status === 0) return undefined;
  const said = (stdout + stderr).trim();
  return signal
    ? `${said}\nended by ${signal}; ${LIMIT / 60_000} minutes is the most it may take`.trim()
    : said;
}

/** @param {string} command @param {string[]} args */
function tool(command, args) {
  return output(join(BIN, command), args);
}

/** @param {boolean} write */
async function checkDocument(write) {
  const { stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/apps/cli/main.js'), 'openapi'], {
    encoding: 'utf8',
    timeout: LIMIT,
  });
  if (stdout === '') return `the document cannot be printed:\n${stderr}`;
  // Not before it is asked for: it needs what a fresh clone has not installed yet.
  const { unionsOf } = await import('./unions.mjs');
  const wanted = { [OPENAPI]: stdout, [UNIONS]: await unionsOf(stdout, UNIONS) };
  const stale = [];
  for (const [file, content] of Object.entries(wanted)) {
    if (write) writeFileSync(file, content);
    else if (!existsSync(file) || content !== readFileSync(file, 'utf8')) stale.push(relative(ROOT, file));
  }
  return stale.length === 0
    ? undefined
    : `${stale.join(' and ')} out of date: npm run check -- --fix openapi writes them anew`;
}

/** A class is named once in all apps and libraries. */
function checkClassNames() {
  /** @type {Map<string, string[]>} */
  const files = new Map();
  for (const folder of ['apps', 'libs']) {
    for (const path of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!path.includes('/src/') || !/(?<!\.spec)\.tsx?$/.test(path)) continue;
      const code = readFileSync(join(ROOT, folder, path), 'utf8');
      for (const [, name = ''] of code.matchAll(/^(?:export )?(?:default )?(?:abstract )?class (\w+)/gm)) {
        files.set(name, [...(files.get(name) ?? []), join(folder, path)]);
      }
    }
  }
  const repeated = [...files].filter(([, paths]) => paths.length > 1);
  return repeated.length === 0
    ? undefined
    : repeated
        .map(([name, paths]) => `${name} is the name of several classes: ${paths.join(', ')}`)
        .join('\n');
}

/** Pages name files and folders as they are now. */
function checkDocPaths() {
  const pages = ['.', 'docs', 'docs/decisions', 'k8s']
    .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.md'));
  const gone = pages.flatMap((page) =>
    [
      ...readFileSync(join(ROOT, page), 'utf8').matchAll(
        /`((?:apps|libs|test|scripts|docs|k8s|docker)\/[\w./-]+)`/g,
      ),
    ]
      .map(([, path = '']) => path)
      .filter((path) => !existsSync(join(ROOT, path)))
      .map((path) => `${page} names ${path}, which is not there`),
  );
  return gone.length === 0 ? undefined : gone.join('\n');
}

/** In a folder of its own: nothing there tells npm what is installed here. */
async function checkLock() {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-lock-'));
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      copyFileSync(join(ROOT, file), join(folder, file));
    }
    for (const version of NPMS) {
      const args = [
        'exec',
        '--yes',
        `--package=npm@${version}`,
        '--',
        'npm',
        'ci',
        '--dry-run',
        '--ignore-scripts',
      ];
      const fault = await output('npm', args, folder);
      if (fault === undefined) continue;
      return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/.test(fault)
        ? `npm's registry cannot be reached, so it is not known whether npm ${version} accepts package-lock.json.`
        : `npm ${version} does not accept package-lock.json (npm install --package-lock-only fixes it):\n${fault.split(/\n.*Clean install/)[0]}`;
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const queue = [...parts];
if (fix) {
  for (const name of WRITERS.filter((writer) => queue.includes(writer))) {
    queue.splice(queue.indexOf(name), 1);
    await check(name);
  }
}
const lane = async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) await check(name);
};
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
process.exit(failed ? 1 : 0);
