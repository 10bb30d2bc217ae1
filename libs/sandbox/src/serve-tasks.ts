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
}

/** `ready`: the process has begun. Otherwise what came of a task, its result as JSON. */
export type Reply = 'ready' | { result: string } | { error: string };

/** Runs tasks that a Sandbox sends to this process, one after the other. */
export function serveTasks(tasks: Record<string, (...args: never[]) => unknown>): void {
  const answer = ({ name, args }: Task): Reply => {
    try {
      const task = tasks[name];
      if (!task) throw new Error(`there is no task ${name}`);
      // What JSON cannot say is null.
      return { result: JSON.stringify(task(...(JSON.parse(args) as never[])) ?? null) };
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
