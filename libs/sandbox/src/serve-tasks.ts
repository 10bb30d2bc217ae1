import { parentPort } from 'node:worker_threads';

/** A task for a thread. */
export interface Task {
  name: string;
  /** A list, as JSON: no object of one thread is seen by another, and each value is what JSON says. */
  args: string;
}

/** `ready`: the thread has begun. Otherwise what came of a task, its result as JSON. */
export type Reply = 'ready' | { result: string } | { error: string };

/** Runs tasks that a Sandbox sends to this thread, one after the other. */
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
  parentPort?.on('message', (task: Task) => {
    parentPort?.postMessage(answer(task));
  });
  parentPort?.postMessage('ready' satisfies Reply);
}
