/** The machine's processes: which live, and how a whole tree of them ends. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** @typedef {{ pid: number, began: string }} Life one process; `began` because process ids are used again */

/** How long a server may take to respond, and to end once asked to, in milliseconds. */
export const DEADLINE = 60_000;

/** @param {Life} root */
export async function killTree(root) {
  if (!isAlive(root)) return;
  signal(root.pid, 'SIGSTOP'); // so that it makes no more children while we collect them
  const all = lives();
  const tree = [root];
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  for (const { pid } of tree) signal(pid, 'SIGKILL');
  await gone(tree, DEADLINE);
}

/** @param {Life[]} tree @param {number} patience in milliseconds */
export async function gone(tree, patience) {
  for (const deadline = Date.now() + patience; Date.now() < deadline && tree.some(isAlive);) await delay(20);
}

/** @param {number} pid @param {NodeJS.Signals} name */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/** @param {Life | undefined} one */
export const isAlive = (one) => one !== undefined && life(one.pid)?.began === one.began;

/** @typedef {Life & { parent: number }} Relative */

/**
 * The living process with this id. Zombies do not count: they are dead, and in a container nobody may bury them.
 * @param {number | string} pid
 * @returns {Relative | undefined}
 */
export function life(pid) {
  if (process.platform !== 'linux') return ps('-p', String(pid))[0];
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // «pid (command) state parent …»: the command may hold spaces and brackets. See proc(5) for the fields.
    const fields = ['pid', 'command', ...stat.slice(stat.lastIndexOf(')') + 2).split(' ')];
    const [state, parent, threads, began] = [fields[2], fields[3], fields[19], fields[21]];
    // A zombie with threads left has not closed its files and ports yet.
    if (state === 'Z' && Number(threads) <= 1) return undefined;
    return { pid: Number(pid), parent: Number(parent), began: began ?? '' };
  } catch {
    return undefined;
  }
}

/** All living processes of the machine. */
export function lives() {
  if (process.platform !== 'linux') return ps('-A');
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (life(name) ?? []) : []));
}

/** @param {string[]} which @returns {Relative[]} */
function ps(...which) {
  const columns = ['pid=', 'ppid=', 'state=', 'lstart='].flatMap((column) => ['-o', column]);
  const { stdout } = spawnSync('ps', [...which, ...columns], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, state, ...began] = line.trim().split(/\s+/);
    if (!state || state.startsWith('Z')) return [];
    return { pid: Number(pid), parent: Number(parent), began: began.join(' ') };
  });
}
