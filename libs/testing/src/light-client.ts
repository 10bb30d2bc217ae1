import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** A request of a {@link LightClient}, and the status that it must be answered with. */
export interface LightRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  status: number;
}

/** A client of small requests, in a thread of its own: what a test does beside it takes no time of it. */
export interface LightClient {
  /**
   * How long each round of the requests takes while `work` goes on, and for at least `rounds` rounds, in milliseconds.
   * @throws what went wrong where one was answered with another status
   */
  during(rounds: number, work?: Promise<unknown>): Promise<number[]>;
  stop(): Promise<unknown>;
}

/** @param requests sent one after the other in each round */
export function startLightClient(url: string, requests: LightRequest[]): LightClient {
  const worker = new Worker(join(process.cwd(), 'libs/testing/src/light-client-thread.mjs'), {
    workerData: { url, requests },
  });
  const failed = once(worker, 'error').then(([error]) => {
    throw error;
  });
  failed.catch(() => undefined);
  return {
    async during(rounds, work = Promise.resolve()) {
      const times: number[] = [];
      let enough!: () => void;
      const reached = new Promise<void>((resolve) => (enough = resolve));
      let stopped!: () => void;
      const quiet = new Promise<void>((resolve) => (stopped = resolve));
      const listen = (told: number | 'stopped'): void => {
        if (told === 'stopped') stopped();
        else times.push(told);
        if (times.length >= rounds) enough();
      };
      worker.on('message', listen);
      worker.postMessage(true);
      try {
        await Promise.race([Promise.all([reached, work]), failed]);
        worker.postMessage(false);
        await Promise.race([quiet, failed]);
      } finally {
        worker.off('message', listen);
      }
      return times;
    },
    stop: () => worker.terminate(),
  };
}

/**
 * How long something may take that takes `ms` on a machine with nothing else to do: longer by the number of processes that
 * wanted each of its processors in the last minute.
 */
export function onThisMachine(ms: number): number {
  return ms * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}

/** The 99th percentile of some times. */
export function p99(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.ceil(0.99 * times.length) - 1] ?? Infinity;
}
