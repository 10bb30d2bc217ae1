import { Child, type Brought, type Waiting } from './child';
import { SandboxError, type SandboxLimits } from './limits';
import type { Task } from './serve-tasks';

/** Characters and bytes of the tasks that wait at one sandbox, at most; a task alone may have more. */
const MAX_WAITING_LENGTH = 67_108_864;
/**
 * Runs tasks in processes of their own, each within limits of time and memory; a process that exceeds them is ended and
 * replaced. Not in threads: from Node 24 on, one that fills its memory cannot always be ended, and may end all others with
 * it. Owners take turns: whoever has many tasks does not keep out who has one.
 */
export class Sandbox {
  private readonly waiting = new Map<string, Waiting[]>();
  private readonly children = new Set<Child>();
  private waitingCount = 0;
  /** Characters and bytes of what waits. */
  private waitingLength = 0;

  /**
   * @param file the script of its processes, which calls serveTasks
   * @param onLimit told of each task that met a limit
   */
  constructor(
    private readonly file: string,
    private readonly limits: SandboxLimits,
    private readonly onLimit: (reason: 'busy' | 'time' | 'memory') => void = () => undefined,
  ) {}

  /**
   * Runs a task by its name.
   * @param args what JSON can say, as the result
   * @param owner on whose behalf
   * @throws SandboxError
   */
  async run<Result>(name: string, args: unknown[], owner = ''): Promise<Result> {
    return (await this.runOnBytes<Result>(name, args, [], owner)).result;
  }

  /**
   * The same for what is large: bytes go to the process, and come from it, as they are.
   * @param bytes the task's arguments after `args`
   * @throws SandboxError
   */
  async runOnBytes<Result>(
    name: string,
    args: unknown[],
    bytes: Buffer[],
    owner = '',
  ): Promise<Brought<Result>> {
    try {
      const brought = await this.queue({ name, args: JSON.stringify(args), bytes }, owner);
      return { ...brought, result: JSON.parse(brought.result) as Result };
    } catch (error) {
      if (error instanceof SandboxError && error.reason !== 'failed') this.onLimit(error.reason);
      throw error;
    }
  }

  /** Ends its processes. What they have in hand fails. */
  async close(): Promise<void> {
    await Promise.all([...this.children].map((child) => child.end()));
  }

  private queue(task: Task, owner: string): Promise<Brought<string>> {
    const { maxWaiting, maxWaitMs } = this.limits;
    return new Promise<Brought<string>>((resolve, reject) => {
      if (this.waitingCount >= maxWaiting) throw this.busy(`${maxWaiting} tasks wait`);
      if (this.waitingCount > 0 && this.waitingLength + lengthOf(task) > MAX_WAITING_LENGTH) {
        throw this.busy(`tasks of ${this.waitingLength} characters wait`);
      }
      const waiting: Waiting = {
        task,
        resolve,
        reject,
        patience: setTimeout(() => {
          this.leave(owner, waiting);
          reject(this.busy(`nothing was free for ${maxWaitMs} ms`));
        }, maxWaitMs),
      };
      const queue = this.waiting.get(owner);
      if (queue) queue.push(waiting);
      else this.waiting.set(owner, [waiting]);
      this.waitingCount += 1;
      this.waitingLength += lengthOf(task);
      this.assign();
    });
  }

  private busy(why: string): SandboxError {
    return new SandboxError('busy', `the sandbox ${this.limits.name} is busy: ${why}`);
  }

  private assign(): void {
    while (this.waitingCount > 0) {
      const free = [...this.children].find((child) => child.isFree);
      if (!free) {
        const isStarting = [...this.children].filter((child) => child.isStarting).length;
        // One that was ended counts until it is gone.
        if (this.children.size >= this.limits.processes || isStarting >= this.waitingCount) return;
        this.start();
        return;
      }
      const next = this.next();
      if (next) free.run(next);
    }
  }

  private start(): void {
    const child: Child = new Child(this.file, this.limits, {
      free: () => {
        this.assign();
      },
      gone: (unready) => {
        this.children.delete(child);
        // Another one would fail to begin, too: what waits for it need not.
        if (unready) this.next()?.reject(unready);
        this.assign();
      },
    });
    this.children.add(child);
  }

  private next(): Waiting | undefined {
    const [entry] = this.waiting;
    if (!entry) return undefined;
    const [owner, queue] = entry;
    const [next] = queue;
    // To the end of the line.
    this.waiting.delete(owner);
    if (queue.length > 1) this.waiting.set(owner, queue.slice(1));
    if (next) {
      this.waitingCount -= 1;
      this.waitingLength -= lengthOf(next.task);
      clearTimeout(next.patience);
    }
    return next;
  }

  private leave(owner: string, waiting: Waiting): void {
    const left = (this.waiting.get(owner) ?? []).filter((one) => one !== waiting);
    if (left.length > 0) this.waiting.set(owner, left);
    else this.waiting.delete(owner);
    this.waitingCount -= 1;
    this.waitingLength -= lengthOf(waiting.task);
  }
}

function lengthOf({ args, bytes = [] }: Task): number {
  return bytes.reduce((sum, { length }) => sum + length, args.length);
}
