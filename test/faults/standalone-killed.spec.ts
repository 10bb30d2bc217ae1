import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { copyEmbeddedDatabase, until, type ServiceProcess } from '@hitl/testing';
import {
  abortedCalls,
  createSystem,
  DEADLINE,
  decide,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
  type System,
} from './support';

let folder: ReturnType<typeof temporaryFolder>;
let system: System;

beforeEach(async () => {
  folder = temporaryFolder();
  copyEmbeddedDatabase(folder.path);
  system = await createSystem({ DATA_DIR: folder.path });
});
afterEach(async () => {
  await system.stop();
  folder.remove();
});

interface Job {
  id: string;
  status: string;
  revision: number;
}

const jobsOf = async (service: ServiceProcess): Promise<Map<string, Job>> => {
  const response = await fetch(`${service.url}/v1/jobs?limit=100`);
  const { data } = (await response.json()) as { data: Job[] };
  return new Map(data.map((job) => [job.id, job]));
};

it(
  'goes on in its data folder after it was killed with jobs in flight',
  async () => {
    const { stub } = system;
    stub.answer = takes(10);
    const killed = await system.start('standalone', { WORKER_CONCURRENCY: '10' });
    const yesterdays = await submitMany(3, killed);
    await until('they wait for a human', async () => {
      const jobs = await jobsOf(killed);
      return yesterdays.every((id) => jobs.get(id)?.status === 'human');
    });
    expect((await decide(killed, yesterdays[0]!, { verdict: 'approve' })).status).toBe(200);
    const before = await jobsOf(killed);

    // A few are answered; then ten, all that the worker takes at once, stay with the model.
    const answered = stub.requests.length + 5;
    stub.answer = (request, index) => (index < answered ? takes(10)(request, index) : 'hang');
    const ids = await submitMany(50, killed);
    await until('ten are with the model', () => stub.requests.length === answered + 10, DEADLINE);
    await killed.kill();
    await until('the model is left waiting', () => abortedCalls(stub) === 10, DEADLINE);
    stub.answer = takes(10);

    const again = await system.start('standalone');
    await until(
      'all wait for a human',
      async () => {
        const jobs = await jobsOf(again);
        return ids.every((id) => jobs.get(id)?.status === 'human' && jobs.get(id)?.revision === 1);
      },
      // At once, and not a minute after their submission, when the reconciler would come by.
      30_000,
    );
    const after = await jobsOf(again);
    expect(yesterdays.map((id) => after.get(id))).toEqual(yesterdays.map((id) => before.get(id)));
    expect(await again.stop()).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'refuses to share its data folder with a second process',
  async () => {
    system.stub.answer = takes(10);
    const first = await system.start('standalone');
    await expect(system.start('standalone')).rejects.toThrow(
      `standalone cannot start. Another process uses the data folder ${folder.path}. Stop it, or set DATA_DIR to another folder.`,
    );
    const [id] = await submitMany(1, first);
    await until(
      'the first one works on',
      async () => (await jobsOf(first)).get(id!)?.status === 'human',
      DEADLINE,
    );
    expect(await first.stop()).toBe(0);
  },
  TEST_DEADLINE,
);
