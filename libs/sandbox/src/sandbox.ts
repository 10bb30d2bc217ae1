import { Worker } from 'node:worker_threads';
import type { Reply, Task } from './serve-tasks';

/** What the threads of a sandbox may use. */
export interface SandboxLimits {
  /** Shown in errors and by debuggers. */
  name: string;
  /** Threads at most; each begins when there is work for it. */
  threads: number;
  /** Heap of one thread, in MB. */
  memoryMb: number;
  /** How long one task may run; then its thread is ended. */
  timeoutMs: number;
  /** Tasks that may wait for a thread. */
  maxWaiting: number;
  /** How long one may wait. */
  maxWaitMs: number;
}

/** A task brought nothing. `busy`: it was never begun; `time`, `memory`: it used up what it may; `failed`: it threw. */
export class SandboxError extends Error {
  override name = 'SandboxError';

  constructor(
    readonly reason: 'busy' | 'time' | 'memory' | 'failed',
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  task: Task;
  resolve: (reply: string) => void;
  reject: (error: Error) => void;
  patience: NodeJS.Timeout;
}

/**
 * Runs tasks in threads of their own, each within limits of time and memory; a thread that exceeds them is ended and
 * replaced. Owners take turns: whoever has many tasks does not keep out who has one.
 */
export class Sandbox {
  private readonly waiting = new Map<string, Waiting[]>();
  private readonly threads = new Set<Thread>();
  private waitingCount = 0;

  /** @param file the script of its threads, which calls serveTasks */
  constructor(
    private readonly file: string,
    private readonly limits: SandboxLimits,
  ) {}

  /**
   * Runs a task by its name.
   * @param args what JSON can say, as the result
   * @param owner on whose behalf
   * @throws SandboxError
   */
  async run<Result>(name: string, args: unknown[], owner = ''): Promise<Result> {
    const { maxWaiting, maxWaitMs } = this.limits;
    if (this.waitingCount >= maxWaiting) throw this.busy(`${maxWaiting} tasks wait`);
    const task = { name, args: JSON.stringify(args) };
    const reply = await new Promise<string>((resolve, reject) => {
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
      this.assign();
    });
    return JSON.parse(reply) as Result;
  }

  /** Ends its threads. What they have in hand fails. */
  async close(): Promise<void> {
    await Promise.all([...this.threads].map((thread) => thread.end()));
  }

  private busy(why: string): SandboxError {
    return new SandboxError('busy', `the sandbox ${this.limits.name} is busy: ${why}`);
  }

  private assign(): void {
    while (this.waitingCount > 0) {
      const free = [...this.threads].find((thread) => thread.isFree);
      if (!free) {
        const isStarting = [...this.threads].filter((thread) => thread.isStarting).length;
        // One that was ended may still run what cannot be interrupted: it counts until it is gone.
        if (this.threads.size >= this.limits.threads || isStarting >= this.waitingCount) return;
        this.start();
        return;
      }
      const next = this.next();
      if (next) free.run(next);
    }
  }

  private start(): void {
    const thread: Thread = new Thread(this.file, this.limits, {
      free: () => {
        this.assign();
      },
      gone: (unready) => {
        this.threads.delete(thread);
        // Another one would fail to begin, too: what waits for it need not.
        if (unready) this.next()?.reject(unready);
        this.assign();
      },
    });
    this.threads.add(thread);
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
      clearTimeout(next.patience);
    }
    return next;
  }

  private leave(owner: string, waiting: Waiting): void {
    const left = (this.waiting.get(owner) ?? []).filter((one) => one !== waiting);
    if (left.length > 0) this.waiting.set(owner, left);
    else this.waiting.delete(owner);
    this.waitingCount -= 1;
  }
}

/** A thread of a sandbox. */
class Thread {
  private readonly worker: Worker;
  private state: 'starting' | 'free' | 'running' | 'ended' = 'starting';
  private current: Waiting | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Why it ends; it cannot begin any more. */
  private fault = new SandboxError('failed', 'its thread ended');

  constructor(
    file: string,
    private readonly limits: SandboxLimits,
    private readonly tell: { free: () => void; gone: (unready: SandboxError | undefined) => void },
  ) {
    this.worker = new Worker(file, {
      name: limits.name,
      // Nothing of the process is handed on: no secrets, and no options such as a debugger's port.
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 16 },
    });
    this.worker.on('message', (reply: Reply) => {
      this.receive(reply);
    });
    this.worker.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.fault = isMemory
        ? new SandboxError('memory', `it needed more than ${limits.memoryMb} MB`)
        : new SandboxError('failed', error.message);
    });
    this.worker.on('exit', () => {
      const unready = this.isStarting ? this.fault : undefined;
      this.state = 'ended';
      this.fail(this.fault);
      tell.gone(unready);
    });
    // It keeps no process alive. Listeners would undo this.
    this.worker.unref();
  }

  get isFree(): boolean {
    return this.state === 'free';
  }

  get isStarting(): boolean {
    return this.state === 'starting';
  }

  run(waiting: Waiting): void {
    this.state = 'running';
    this.current = waiting;
    const { timeoutMs } = this.limits;
    this.timer = setTimeout(() => {
      this.fail(new SandboxError('time', `it took longer than ${timeoutMs} ms`));
      void this.end();
    }, timeoutMs);
    this.worker.postMessage(waiting.task);
  }

  async end(): Promise<void> {
    this.state = 'ended';
    await this.worker.terminate();
  }

  private receive(reply: Reply): void {
    const { current } = this;
    if (this.state === 'ended') return;
    this.done();
    this.state = 'free';
    if (current && reply !== 'ready') {
      if ('result' in reply) current.resolve(reply.result);
      else current.reject(new SandboxError('failed', reply.error));
    }
    this.tell.free();
  }

  private fail(error: SandboxError): void {
    const { current } = this;
    this.done();
    current?.reject(error);
  }

  private done(): void {
    clearTimeout(this.timer);
    this.current = undefined;
  }
}
