import { readFileSync } from 'node:fs';

/** Ticks of the clock by which Linux counts CPU time, in milliseconds. */
const TICK_MS = 10;

/** The value below which `share` of the sorted values lie, to a tenth. */
export function percentile(sorted: number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return Number(value.toFixed(1));
}

/** CPU time of processes so far, in milliseconds; NaN where the system does not tell. */
export function cpuMilliseconds(pids: number[]): number {
  try {
    const ticks = pids.map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return Number(fields[11]) + Number(fields[12]);
    });
    return ticks.reduce((sum, count) => sum + count, 0) * TICK_MS;
  } catch {
    return NaN;
  }
}
