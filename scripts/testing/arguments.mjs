/** What `npm test` is asked for. */
import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { meant } from '../arguments.mjs';
import { PROGRAMS } from '../services/programs.mjs';

/** @typedef {import('../services/programs.mjs').Program} Program */

/**
 * The families of tests, each a project of jest.config.mjs, and the programs that they need.
 * @type {Record<string, Program[]>}
 */
export const FAMILIES = {
  unit: [],
  k8s: [],
  contract: ['broker'],
  e2e: ['broker'],
  faults: ['broker', 'pooler'],
  // On the standalone system, whose messages need no broker.
  console: ['browser'],
};

export const HELP = `npm test                            all tests
npm test -- unit e2e                families: ${Object.keys(FAMILIES).join(', ')}
npm test -- apps/gateway            files whose path fits
npm test -- e2e -t 'two reviewers'  families and paths first, then whatever jest takes
npm test -- --without=broker        leave out what needs RabbitMQ (broker) or Chromium (browser)

PostgreSQL comes with npm. RabbitMQ (for contract, e2e and faults) and Chromium (for console) must be on the machine. What is
missing is named first, with the command that installs it: on a terminal you are asked, where CI=true it is run unasked.
Everything else runs in any case. Tests of PgBouncer (pooler) run where it is on the machine.

TEST_DATABASE_URL, TEST_AMQP_URL    servers to use instead of private ones, for one worker`;

/**
 * Separates our own arguments from those of jest. Families and paths come before the first option, so that none is
 * mistaken for the value of one.
 * @param {string[]} args
 * @throws {Error} that says which value of --without is unknown
 */
export function readArguments(args) {
  const without = args.flatMap((arg) => /^--without=(.*)$/.exec(arg)?.[1]?.split(',') ?? []);
  if (args.includes('--without')) without.push('');
  const unknown = without.find((program) => !Object.hasOwn(PROGRAMS, program));
  if (unknown !== undefined)
    throw new Error(
      `--without=${unknown}: write --without=broker, --without=browser or --without=broker,browser.${meant(unknown, Object.keys(PROGRAMS))}`,
    );
  const others = args.filter((arg) => !arg.startsWith('--without='));
  const first = others.findIndex((arg) => arg.startsWith('-'));
  const names = first < 0 ? others : others.slice(0, first);
  const options = first < 0 ? [] : others.slice(first);
  const files = names.filter((name) => !Object.hasOwn(FAMILIES, name));
  const families = [...names, ...selected(options)].filter((name) => Object.hasOwn(FAMILIES, name));
  if (families.length === 0) return { families: familiesOf(files), files, options, without };
  if (files.length === 0) return { families: [...new Set(families)], files, options, without };
  // Both: what belongs to one of the families or fits one of the paths.
  const folders = families.flatMap((family) => (family === 'unit' ? UNIT_FOLDERS : [`./test/${family}/`]));
  const all = new Set([...families, ...familiesOf(files)]);
  return { families: [...all], files: [...files, ...folders], options, without };
}

const UNIT_FOLDERS = ['./apps/', './libs/', './scripts/'];

/**
 * Takes jest's own way to name families out of its options.
 * @param {string[]} options
 */
function selected(options) {
  const at = options.indexOf('--selectProjects');
  if (at < 0) return [];
  const end = options.findIndex((option, index) => index > at && option.startsWith('-'));
  return options.splice(at, (end < 0 ? options.length : end) - at).slice(1);
}

/**
 * The families that files can belong to, as far as their paths tell.
 * @param {string[]} files
 */
function familiesOf(files) {
  const all = Object.keys(FAMILIES);
  const found = files.map((file) => {
    if (/^(\.\/)?(apps|libs|scripts)(\/|$)/.test(file)) return 'unit';
    return all.find((family) => family !== 'unit' && new RegExp(`^(\\./)?test/${family}(/|$)`).test(file));
  });
  return files.length > 0 && found.every(Boolean) ? all.filter((family) => found.includes(family)) : all;
}

/**
 * Makes sure that each of the paths fits a test, so that a slip of the pen is told before anything is built or started.
 * @param {string[]} files as {@link readArguments} answers them
 * @param {string} root the project's folder
 * @throws {Error} that names the first path which fits none, what there is, and what may have been meant
 */
export function requireTests(files, root) {
  if (files.length === 0) return;
  const tests = ['apps', 'libs', 'scripts', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.spec.ts'))
      .map((path) => join(root, folder, path)),
  );
  const wrong = files.find((file) => !tests.some((path) => patternOf(file, root).test(path)));
  if (wrong === undefined) return;
  const families = Object.keys(FAMILIES);
  const names = [...families, ...new Set(tests.map((path) => basename(path, '.spec.ts')))];
  throw new Error(
    `«${wrong}» is no family of tests, and fits no test's path. Families are: ${families.join(', ')}.${meant(basename(wrong).replace(/(\.spec)?\.ts$/, ''), names)}`,
  );
}

/**
 * A path as jest takes it: an expression that fits any part, or a path from the project's folder.
 * @param {string} file
 * @param {string} root
 */
function patternOf(file, root) {
  const path = /^\.{1,2}\//.test(file) ? resolve(root, file) : file;
  try {
    return new RegExp(path, 'i');
  } catch {
    return new RegExp(path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  }
}
