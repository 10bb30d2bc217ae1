import { Worker } from 'node:worker_threads';

/**
 * Ends this process when its parent is gone. In a thread of its own: a task may keep the process from hearing it for minutes,
 * and an end of the parent by SIGKILL leaves nobody who would end the task.
 */
const WATCH_PARENT = `
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, 500);
`;

/** A task for a process of a sandbox. */
export interface Task {
  name: string;
  /** A list, as JSON: each value is what JSON says. */
  args: string;
  /** Further arguments, after those. */
  bytes?: Buffer[];
}

/** `ready`: the process has begun. Otherwise what came of a task: its result as JSON, and the bytes of a {@link WithBytes}. */
export type Reply = 'ready' | { result: string; bytes?: Buffer[] } | { error: string };

/** What a task brings, and bytes beside it: what is large is copied only. */
export class WithBytes {
  constructor(
    readonly result: unknown,
    readonly bytes: Buffer[],
  ) {}
}

/** Runs tasks that a Sandbox sends to this process, one after the other. */
export function serveTasks(tasks: Record<string, (...args: never[]) => unknown>): void {
  const answer = ({ name, args, bytes = [] }: Task): Reply => {
    try {
      const task = tasks[name];
      if (!task) throw new Error(`there is no task ${name}`);
      const made = task(...(JSON.parse(args) as never[]), ...(bytes as never[]));
      // What JSON cannot say is null.
      return made instanceof WithBytes
        ? { result: JSON.stringify(made.result ?? null), bytes: made.bytes }
        : { result: JSON.stringify(made ?? null) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  };
  // Where its parent is gone, nobody hears it.
  const tell = (reply: Reply) => process.send?.(reply, () => undefined);
  process.on('message', (task: Task) => {
    tell(answer(task));
  });
  process.on('disconnect', () => {
    process.exit();
  });
  new Worker(WATCH_PARENT, { eval: true, execArgv: [] }).unref();
  tell('ready');
}
