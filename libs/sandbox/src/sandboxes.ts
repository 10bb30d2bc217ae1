import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { metrics } from '@hitl/observability';
import type { SandboxLimits } from './limits';
import { Sandbox } from './sandbox';

/** What the processes run: apps/sandbox as it was built, beside the app that uses it; from the sources in unit tests. */
const FILE =
  [join(import.meta.dirname, '../sandbox/main.js')].find(existsSync) ??
  join(import.meta.dirname, '../../../dist/apps/sandbox/main.js');

/**
 * Memory of one process beside its heap, in MB: Node itself, young objects, and a task of 20 MB on its way in. A pod has room
 * for all processes of its app with their heaps filled (test/k8s).
 */
export const MEMORY_BESIDE_HEAP_MB = 96;

/** Each sandbox has one process, which begins with its first task and ends after a minute without one. */
const DEFAULTS = { processes: 1, maxWaiting: 1000, maxIdleMs: 60_000 };

/**
 * The processes in which a service evaluates what strangers write: gateways have `schemas` and `bodies`, workers `checks`, review services
 * all but `schemas`. Each kind of work has its own, so that none waits for another. The tasks are in apps/sandbox, and bound themselves to shorter times: the limits here end what got out of
 * hand.
 */
export const SANDBOX_LIMITS = {
  /** Schemas as submitters send them: 64 KB of text at most. */
  schemas: { ...DEFAULTS, memoryMb: 64, timeoutMs: 3000, maxWaitMs: 7000 },
  /** Large bodies as clients send them, and large responses in the form that their clients read. */
  bodies: { ...DEFAULTS, memoryMb: 256, timeoutMs: 5000, maxWaitMs: 20_000 },
  /** Answers against their schemas, and the changes that reviewers make. A command that waited longer would take no effect any more. */
  checks: { ...DEFAULTS, memoryMb: 128, timeoutMs: 3000, maxWaitMs: 7000 },
  /** The policy in force, on live jobs. */
  policy: { ...DEFAULTS, memoryMb: 128, timeoutMs: 2000, maxWaitMs: 30_000 },
  /** Policies that somebody tries. */
  'dry-runs': { ...DEFAULTS, memoryMb: 128, timeoutMs: 3000, maxWaiting: 16, maxWaitMs: 3500 },
} satisfies Record<string, Omit<SandboxLimits, 'name'>>;

function open(name: keyof typeof SANDBOX_LIMITS): Sandbox {
  return new Sandbox(FILE, { ...SANDBOX_LIMITS[name], name }, (limit) => {
    metrics.sandboxLimits.inc({ sandbox: name, limit });
  });
}

export const SANDBOXES = {
  schemas: open('schemas'),
  bodies: open('bodies'),
  checks: open('checks'),
  policy: open('policy'),
  dryRuns: open('dry-runs'),
};
