/** What the machine itself must have, since npm cannot bring it: looked for before anything begins. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { findChromium } from './chromium.mjs';
import { isRoot, PATH } from './process.mjs';
import { findPgBouncer } from './pgbouncer.mjs';
import { findRabbitMq } from './rabbitmq.mjs';

/** @typedef {'broker' | 'browser' | 'pooler'} Program */

/**
 * One that is optional is used where it is there: what needs it is left out elsewhere, and nobody is asked to install it.
 * @type {Record<Program, { name: string, debian: string, brew: string, optional?: true, find(): string | undefined }>}
 */
export const PROGRAMS = {
  broker: { name: 'RabbitMQ', debian: 'rabbitmq-server', brew: 'rabbitmq', find: findRabbitMq },
  browser: { name: 'Chromium', debian: 'chromium', brew: 'chromium', find: findChromium },
  pooler: { name: 'PgBouncer', debian: 'pgbouncer', brew: 'pgbouncer', optional: true, find: findPgBouncer },
};

/**
 * Looks for programs and offers to install those that are missing: asks on a terminal, does it unasked where CI=true, and
 * only says how elsewhere. Returns those that are missing still.
 * @param {Program[]} wanted
 * @returns {Promise<Program[]>}
 */
export async function provide(wanted) {
  const missing = wanted.filter((program) => !PROGRAMS[program].find());
  if (missing.length === 0) return [];
  const command = installCommand(missing);
  const names = missing.map((program) => PROGRAMS[program].name).join(' and ');
  const remedy = command ? `This installs what is missing:\n  ${command}` : 'Your system must bring it.';
  console.error(`Not on this machine: ${names}. ${remedy}`);
  if (command && (await mayInstall(command))) {
    console.error(`Installing ${names} …`);
    await install(command);
  }
  return missing.filter((program) => !PROGRAMS[program].find());
}

/**
 * The one command that installs programs here, or undefined where we know none.
 * @param {Program[]} programs
 */
export function installCommand(programs) {
  if (existsSync('/usr/bin/apt-get')) {
    const packages = programs.map((program) => PROGRAMS[program].debian).join(' ');
    const commands = `apt-get update && apt-get install --yes --no-install-recommends ${packages}`;
    if (isRoot) return commands;
    return `${isInstalled('sudo') ? 'sudo sh' : 'su'} -c '${commands}'`;
  }
  return isInstalled('brew')
    ? `brew install ${programs.map((program) => PROGRAMS[program].brew).join(' ')}`
    : undefined;
}

/** @param {string} name */
const isInstalled = (name) => PATH.some((folder) => existsSync(`${folder}/${name}`));

/** @param {string} command */
async function mayInstall(command) {
  if (process.env.CI === 'true') {
    // Without a password, or not at all.
    return !/^su(do)? /.test(command) || spawnSync('sudo', ['-n', 'true']).status === 0;
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const aborted = new AbortController();
  terminal.once('SIGINT', () => process.exit(130)).once('close', () => aborted.abort());
  const answer = await terminal.question('Run it now? [y/N] ', { signal: aborted.signal }).catch(() => '');
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/**
 * As root on Debian no installed service is started, for we start our own: while dpkg works, /usr/sbin/policy-rc.d
 * forbids it. Whoever interrupts us, or kills us, ends the download; once dpkg has begun it is let finish, because a
 * broken package database is worse than a late end. Either way the file goes.
 * @param {string} command
 */
async function install(command) {
  const [update = '', install = ''] = command.split(' && ');
  const child =
    isRoot && install
      ? spawn('sh', ['-c', UNDER_POLICY, 'install', `${update} && ${install} --download-only`, install], {
          // In a session of its own: Ctrl-C in the terminal must not reach dpkg. It sees our end by its standard input.
          detached: true,
          stdio: ['pipe', 'ignore', 'inherit'],
          env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        })
      : spawn('sh', ['-c', command], { stdio: 'inherit' });
  let interrupted = false;
  const interrupt = () => {
    if (!interrupted) console.error('\nStopping, once dpkg has finished what it has begun …');
    interrupted = true;
    child.stdin?.end();
  };
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, interrupt);
  const [code] = await once(child, 'exit');
  for (const signal of signals) process.off(signal, interrupt);
  if (interrupted) process.exit(1);
  if (code !== 0) console.error(`«${command}» failed.`);
}

/** $1 downloads, in a session of its own, so that it can be ended whole; $2 installs. */
const UNDER_POLICY = `
  policy=/usr/sbin/policy-rc.d
  exec 3<&0
  setsid sh -c "$1" & download=$!
  (read -r _; kill -- -$download) <&3 & watch=$!
  wait $download; code=$?
  kill $watch
  [ $code = 0 ] || exit $code
  if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
  fi
  sh -c "$2"`;
