import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox } from './sandbox';

/** What the processes run: apps/sandbox as it was built, beside the app that uses it; from the sources in unit tests. */
const FILE =
  [join(import.meta.dirname, '../sandbox/main.js')].find(existsSync) ??
  join(import.meta.dirname, '../../../dist/apps/sandbox/main.js');

/**
 * The processes in which a service evaluates what strangers write. Each kind of work has its own, so that none waits
 * for another; they begin with the first task. The tasks are in apps/sandbox, and bound themselves to shorter times: the
 * limits here end what got out of hand.
 */
export const SANDBOXES = {
  /** Schemas that submitters write, and the changes that reviewers make. */
  checks: new Sandbox(FILE, {
    name: 'checks',
    processes: 1,
    memoryMb: 160,
    timeoutMs: 3000,
    maxWaiting: 1000,
    // A command that waited longer would take no effect any more.
    maxWaitMs: 7000,
  }),
  /** The policy in force, on live jobs. */
  policy: new Sandbox(FILE, {
    name: 'policy',
    processes: 1,
    memoryMb: 160,
    timeoutMs: 2000,
    maxWaiting: 1000,
    maxWaitMs: 30_000,
  }),
  /** Policies that somebody tries. */
  dryRuns: new Sandbox(FILE, {
    name: 'dry-runs',
    processes: 1,
    memoryMb: 160,
    timeoutMs: 3000,
    maxWaiting: 16,
    maxWaitMs: 3500,
  }),
};
