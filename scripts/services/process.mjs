/** Private servers as ordinary processes: a start that waits until they answer, an orderly end, a sudden end. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DEADLINE, gone, isAlive, killTree, life, signal } from './lives.mjs';

/** @typedef {{ uid?: number, gid?: number }} User whom to run as; empty means as ourselves */
/** @typedef {import('./lives.mjs').Life} Life */
/**
 * `start`, `stop` and `kill` may be repeated. Await each before the next; `stop` and `kill` may cut a `start` short.
 * @typedef {{ start(): Promise<void>, stop(): Promise<void>, kill(): Promise<void> }} Server
 */

export const isRoot = process.getuid?.() === 0;

/** The folders where programs are looked for by name. */
export const PATH = [
  ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/bin',
];

/**
 * Our environment without the variables whose names fit `pattern`: they would point a private server at another one.
 * @param {RegExp} pattern
 */
export function environmentWithout(pattern) {
  const kept = Object.entries(process.env).filter(([name]) => !pattern.test(name));
  return { ...Object.fromEntries(kept), PATH: PATH.join(delimiter) };
}

/**
 * Runs a command to its end and returns what it printed. Rejects with what it said on stderr.
 * @param {string} command
 * @param {string[]} args
 * @param {User & { env?: NodeJS.ProcessEnv, cwd?: string, input?: string, timeout?: number }} [options]
 * @returns {Promise<string>}
 */
export async function run(command, args, { input = '', ...options } = {}) {
  const running = promisify(execFile)(command, args, { maxBuffer: 16 << 20, ...options });
  running.child.stdin?.on('error', () => {}); // it ended without reading: its exit code tells more
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (cause) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (cause);
    throw new Error(`«${command} ${args.join(' ')}» failed: ${stderr?.trim() || message}`, { cause });
  }
}

/**
 * Whether a command ends with success.
 * @param {Parameters<typeof run>} command
 */
export function succeeds(...command) {
  return run(...command).then(
    () => true,
    () => false,
  );
}

/**
 * A random password, kept in a file that only its owner can read.
 * @param {string} file
 */
export function secret(file) {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

const handedOut = new Set();

/**
 * A port of 127.0.0.1 that nobody listens on. It lies below the range from which outgoing connections get theirs:
 * inside it, a client retrying while its server is down can connect to itself and hold the server's port.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (handedOut.has(port) || !(await isFree(port))) continue;
    handedOut.add(port);
    return port;
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/**
 * Whether the server on this port of 127.0.0.1 answers `hello` with something that begins with `first`.
 * @param {number} port
 * @param {string | Buffer} hello
 * @param {string} first
 * @returns {Promise<boolean>}
 */
export function greets(port, hello, first) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(hello));
    /** @param {boolean} answer */
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => done(false));
    socket.once('data', (data) => done(data.toString('latin1').startsWith(first)));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}

/**
 * The last lines of a log, for error messages.
 * @param {string} file
 */
export function tail(file) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20);
  return `The end of ${file}:\n${lines.join('\n')}`;
}

/**
 * Asks a server to end when we die, however that happens: our end of the keeper's stdin then closes.
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} quit
 */
function keep(child, quit) {
  const script = 'read -r _; kill -s "$1" "$2"';
  const keeper = spawn('sh', ['-c', script, 'keeper', quit.slice(3), String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.once('exit', () => keeper.kill('SIGKILL'));
}

/**
 * One server process, in a session of its own, so that Ctrl-C in the terminal reaches only us and we end things in
 * order. When we die without stopping it, it is asked to end; the next `start` on the same folder waits for that (the
 * file `<name>.pid` remembers it and us) and starts afresh. While we live, nobody else can take the folder over.
 * @param {object} options
 * @param {string} options.name what to call it; its log is `<dir>/<name>.log`
 * @param {string} options.dir
 * @param {number} options.port
 * @param {string} options.command
 * @param {string[]} options.args
 * @param {NodeJS.ProcessEnv} options.env
 * @param {User} [options.user]
 * @param {NodeJS.Signals} options.quit the signal that asks for an orderly end
 * @param {string} [options.lockFile] its own pid file, removed once the process it names is known to be dead
 * @param {() => Promise<boolean>} options.ready
 * @returns {Server}
 */
export function server({ name, dir, port, command, args, env, user, quit, lockFile, ready }) {
  const log = join(dir, `${name}.log`);
  const pidFile = join(dir, `${name}.pid`);
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  /** @type {Promise<void> | undefined} */
  let starting;

  /** @returns {(Life & { owner: Life }) | undefined} */
  const remembered = () =>
    existsSync(pidFile) ? (JSON.parse(readFileSync(pidFile, 'utf8') || 'null') ?? undefined) : undefined;

  // Only what this handle started: the folder may have gone to another owner since.
  const mine = () => (remembered()?.pid === child?.pid ? remembered() : undefined);
  const runs = () => isAlive(mine());

  async function stop() {
    const memory = mine();
    if (!memory) return;
    await end(memory, quit);
    rmSync(pidFile, { force: true });
  }

  async function kill() {
    const memory = mine();
    if (memory) await killTree(memory);
  }

  async function boot() {
    if (runs()) return;
    const memory = remembered();
    if (memory && !mine() && isAlive(memory) && isAlive(memory.owner))
      throw new Error(
        `${dir} is in use by process ${memory.owner.pid}: stop that one, or choose another folder.`,
      );
    if (memory) await end(memory, quit);
    if (memory && lockFile) rmSync(lockFile, { force: true });
    if (!(await isFree(port)))
      throw new Error(
        `${name} cannot listen on port ${port} of 127.0.0.1: another program does. Choose another port.`,
      );

    const out = openSync(log, 'a', 0o600);
    child = spawn(command, args, { cwd: dir, env, ...user, detached: true, stdio: ['ignore', out, out] });
    closeSync(out);
    await once(child, 'spawn').catch((cause) => {
      throw new Error(`${name} cannot be run (${command}): ${cause.message}`, { cause });
    });
    const pid = Number(child.pid);
    writeFileSync(pidFile, JSON.stringify({ pid, began: '', ...life(pid), owner: life(process.pid) }));
    keep(child, quit);

    for (const deadline = Date.now() + DEADLINE; !(await ready()); await delay(50)) {
      if (!runs()) throw new Error(`${name} ended while starting. ${tail(log)}`);
      if (Date.now() < deadline) continue;
      await kill();
      throw new Error(`${name} did not respond within ${DEADLINE / 1_000} s and was killed. ${tail(log)}`);
    }
  }

  return { start: () => (starting ??= boot().finally(() => (starting = undefined))), stop, kill };
}

/** @param {Life} target @param {NodeJS.Signals} quit */
async function end(target, quit) {
  for (const deadline = Date.now() + DEADLINE; isAlive(target);) {
    if (Date.now() > deadline) return killTree(target);
    signal(target.pid, quit); // again and again: a server that has just begun may not listen yet
    await gone([target], 2_000);
  }
}
