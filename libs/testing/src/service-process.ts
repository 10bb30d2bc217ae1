import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

export type AppName = 'gateway' | 'inference-worker' | 'review-service' | 'standalone' | 'cli';

/** One app of dist/ as a real process. */
export interface ServiceProcess {
  url: string;
  pid: number;
  /** Every line that it logged so far. */
  logs: string[];
  /** Resolves with the exit code and signal once it has ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/**
 * Starts an app on a free port and waits until it says that it is ready.
 * @param env added to a clean environment (PATH, HOME and TMPDIR only)
 * @param deadlineMs how long it may take
 */
export async function startService(
  app: AppName,
  env: Record<string, string>,
  deadlineMs = 90_000,
): Promise<ServiceProcess> {
  const { child, ended } = run(app, [], env);
  const logs: string[] = [];
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${app} was not ready after ${deadlineMs} ms:\n${logs.slice(-20).join('\n')}`));
    }, deadlineMs);
    const read = (line: string): void => {
      logs.push(line);
      if (!line.includes('"msg":"ready"')) return;
      clearTimeout(timer);
      resolve((JSON.parse(line) as { url: string }).url);
    };
    createInterface({ input: child.stdout }).on('line', read);
    createInterface({ input: child.stderr }).on('line', (line) => logs.push(line));
    void ended.then(({ code, signal }) => {
      clearTimeout(timer);
      reject(
        new Error(
          `${app} ended (${String(signal ?? code)}) before it was ready:\n${logs.slice(-20).join('\n')}`,
        ),
      );
    });
  });
  const url = await ready;
  return {
    url,
    pid: Number(child.pid),
    logs,
    ended,
    async stop() {
      child.kill('SIGTERM');
      return (await ended).code;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/**
 * Runs an app that ends by itself, such as a command of `cli` or a boot that fails, and answers what came of it.
 * @param env as for {@link startService}
 */
export async function runService(
  app: AppName,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { child, ended } = run(app, args, env);
  const [stdout, stderr, { code }] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

/** TMPDIR is the folder of the test run, removed at its end, and the sign by which a process that is left over is found. */
const { PATH, HOME, TMPDIR } = process.env;

/**
 * The embedded database is WebAssembly. V8 optimises what has run for long, by default much that a boot alone needs; never
 * would make megabytes three times as slow.
 */
const OPTIMISE_LATER = '--wasm-tiering-budget=30000000';

function run(app: AppName, args: string[], env: Record<string, string>) {
  const script = join(process.cwd(), 'dist/apps', app, 'main.js');
  const child = spawn(
    process.execPath,
    [...(app === 'standalone' ? [OPTIMISE_LATER] : []), script, ...args],
    {
      // Not in the project's folder, whose .env must not matter.
      cwd: '/',
      env: { PATH, HOME, TMPDIR, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  running.add(child);
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  return { child, ended };
}

const running = new Set<ChildProcess>();
// A test run that dies takes its processes along.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
