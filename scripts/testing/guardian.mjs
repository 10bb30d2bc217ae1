/**
 * Cleans up after a test run, however that ended: its input closes when the runner ends, is killed or crashes. Then it
 * ends the process group whose id it was told, waits until the servers of the run have ended in order (their keepers,
 * ../services/process.mjs, see to that), ends what is left, and removes the run's folder.
 *
 * Whatever belongs to the run has its folder as TMPDIR: that is how a process is found that has left the group.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** When what has not ended by itself is asked to, and when it is killed, in milliseconds. */
const ASK_AFTER = 5_000;
const KILL_AFTER = 15_000;

const [, , folder = ''] = process.argv;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
const group = Number(await text(process.stdin));
if (group) signal(-group, 'SIGKILL');

const began = Date.now();
for (let left = leftOver(); left.length > 0; left = leftOver()) {
  const passed = Date.now() - began;
  if (passed > KILL_AFTER) for (const pid of left) signal(pid, 'SIGKILL');
  else if (passed > ASK_AFTER) for (const pid of left) signal(pid, 'SIGTERM');
  if (passed > 2 * KILL_AFTER) break;
  await delay(100);
}
// A process that is ending may write once more.
rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });

/** The living processes of the run. */
function leftOver() {
  const mark = `TMPDIR=${folder}`;
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-Aww', '-E', '-o', 'pid=,command='], { encoding: 'utf8' });
    return stdout.split('\n').flatMap((line) => (line.includes(`${mark} `) ? [parseInt(line)] : []));
  }
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)
        ? [Number(pid)]
        : [];
    } catch {
      return []; // gone meanwhile, or not ours
    }
  });
}

/** @param {number} pid @param {NodeJS.Signals} name */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // gone
  }
}
