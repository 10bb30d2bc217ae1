import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Reply, Task } from './serve-tasks';

/** What is kept of the words of a process that could not begin, in characters. */
const MAX_WORDS_LENGTH = 4000;
/** Characters and bytes of the tasks that wait at one sandbox, at most; a task alone may have more. */
const MAX_WAITING_LENGTH = 67_108_864;
/** How many times its time a task may take on a machine that is too busy to run it. */
const MAX_ROUNDS = 3;

/** What the processes of a sandbox may use. */
export interface SandboxLimits {
  /** Shown in errors and by debuggers. */
  name: string;
  /** Processes at most; each begins when there is work for it. */
  processes: number;
  /** Heap of one process, in MB. */
  memoryMb: number;
  /** How long one task may run; then its process is ended. Up to three times as long where the processors gave it less than half of that. */
  timeoutMs: number;
  /** Tasks that may wait for a process. */
  maxWaiting: number;
  /** How long one may wait. */
  maxWaitMs: number;
  /** How long a process may have nothing to do; then it is ended. */
  maxIdleMs: number;
}

/** A task brought nothing. `busy`: it was never begun, or the machine had no time for it; `time`, `memory`: it used up what it may; `failed`: it threw. */
export class SandboxError extends Error {
  override name = 'SandboxError';

  constructor(
    readonly reason: 'busy' | 'time' | 'memory' | 'failed',
    message: string,
  ) {
    super(message);
  }
}

/** What a task has brought. */
export interface Brought<Result> {
  result: Result;
  /** Of a task that answers a WithBytes. */
  bytes: Buffer[];
}

interface Waiting {
  task: Task;
  resolve: (reply: Brought<string>) => void;
  reject: (error: Error) => void;
  patience: NodeJS.Timeout;
}

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

/** All processes of all sandboxes. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A process of a sandbox. */
class Child {
  private readonly process: ChildProcess;
  private readonly gone: Promise<void>;
  private state: 'starting' | 'free' | 'running' | 'ended' = 'starting';
  private current: Waiting | undefined;
  private timer: NodeJS.Timeout | undefined;
  private words = '';

  constructor(
    file: string,
    private readonly limits: SandboxLimits,
    private readonly tell: { free: () => void; gone: (unready: SandboxError | undefined) => void },
  ) {
    this.process = fork(file, {
      // Nothing of this process is handed on: no secrets, and no options such as a debugger's port.
      env: {},
      execArgv: [`--max-old-space-size=${limits.memoryMb}`, '--max-semi-space-size=8'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    alive.add(this.process);
    this.process.on('message', (reply: Reply) => {
      this.receive(reply);
    });
    this.process.stderr?.on('data', (bytes: Buffer) => {
      this.words = (this.words + bytes.toString()).slice(0, MAX_WORDS_LENGTH);
    });
    this.gone = new Promise<void>((resolve) => {
      // Not told apart: it could not be started, or not be sent to.
      this.process.on('error', (error) => {
        this.words ||= error.message;
        if (this.process.pid === undefined) resolve();
      });
      // Once its last words are read, too.
      this.process.on('close', () => {
        resolve();
      });
    }).then(() => {
      alive.delete(this.process);
      const fault = this.fault();
      const unready = this.isStarting ? fault : undefined;
      this.state = 'ended';
      this.fail(fault);
      tell.gone(unready);
    });
    // It keeps this process alive no longer than there is other work. Listeners would undo this.
    this.process.unref();
    this.process.channel?.unref();
    (this.process.stderr as { unref?: () => void } | null)?.unref?.();
  }

  get isFree(): boolean {
    return this.state === 'free';
  }

  get isStarting(): boolean {
    return this.state === 'starting';
  }

  run(waiting: Waiting): void {
    clearTimeout(this.timer);
    this.state = 'running';
    this.current = waiting;
    this.watch(processorMs(this.process.pid), 1);
    // One that cannot be sent to is gone in a moment, and then says so.
    this.process.send(waiting.task, () => undefined);
  }

  /** Ends the task when it has had its time, by the processor's clock where that can be read. */
  private watch(before: number, round: number): void {
    const { timeoutMs } = this.limits;
    this.timer = setTimeout(() => {
      const hadNoTime = processorMs(this.process.pid) - before < timeoutMs / 2;
      if (hadNoTime && round < MAX_ROUNDS) {
        this.watch(before, round + 1);
        return;
      }
      this.fail(
        hadNoTime
          ? new SandboxError('busy', `the machine was too busy to finish it within ${round * timeoutMs} ms`)
          : new SandboxError('time', `it took longer than ${timeoutMs} ms`),
      );
      void this.end();
    }, timeoutMs);
  }

  async end(): Promise<void> {
    // Whoever waits for it waits for its end.
    this.process.ref();
    if (this.state !== 'starting') this.state = 'ended';
    this.process.kill('SIGKILL');
    await this.gone;
  }

  private receive(reply: Reply): void {
    const { current } = this;
    if (this.state === 'ended') return;
    this.done();
    this.state = 'free';
    this.timer = setTimeout(() => void this.end(), this.limits.maxIdleMs).unref();
    if (current && reply !== 'ready') {
      if ('result' in reply) current.resolve({ result: reply.result, bytes: reply.bytes ?? [] });
      else current.reject(new SandboxError('failed', reply.error));
    }
    this.tell.free();
  }

  /** Why it has ended. */
  private fault(): SandboxError {
    if (/heap out of memory/.test(this.words)) {
      return new SandboxError('memory', `it needed more than ${this.limits.memoryMb} MB`);
    }
    return new SandboxError('failed', this.words.trim() === '' ? 'its process ended' : this.words.trim());
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

/** Milliseconds that a process has run on the processors; NaN where the system does not say so (all but Linux). */
function processorMs(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may have spaces: proc(5), fields 14 and 15, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}
