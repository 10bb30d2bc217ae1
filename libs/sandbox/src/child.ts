import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SandboxError, type SandboxLimits } from './limits';
import type { Reply, Task } from './serve-tasks';

/** What is kept of the words of a process that could not begin, in characters. */
const MAX_WORDS_LENGTH = 4000;
/** How many times its time a task may take on a machine that is too busy to run it. */
const MAX_ROUNDS = 3;

/** What a task has brought. */
export interface Brought<Result> {
  result: Result;
  /** Of a task that answers a WithBytes. */
  bytes: Buffer[];
}

/** A task and who waits for it. */
export interface Waiting {
  task: Task;
  resolve: (reply: Brought<string>) => void;
  reject: (error: Error) => void;
  patience: NodeJS.Timeout;
}

/** All processes of all sandboxes. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A process of a sandbox. */
export class Child {
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
