import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startModelStub, startService } from '@hitl/testing';
import { Agent, request } from 'undici';
import { percentile } from './figures';

const HELD_CLIENTS = 5000;
const RELEASES = 200;
const REVIEWERS = 64;

async function call(
  url: string,
  dispatcher: Agent,
  body?: object,
  headers?: Record<string, string>,
): Promise<{ status: number; body: any }> {
  const response = await request(url, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
    dispatcher,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return { status: response.statusCode, body: await response.body.json() };
}

/** Resident memory of a process, in megabytes. */
function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

/** Clients that are held for a human: how soon a decision releases one, and what thousands of them cost. */
export async function heldClients(services: { DATABASE_URL: string; AMQP_URL: string }): Promise<object> {
  const stub = await startModelStub();
  const env = {
    ...services,
    MODEL_PROVIDER: 'openai',
    MODEL_BASE_URL: stub.url,
    LOG_LEVEL: 'info',
    // All of them come from one address.
    MAX_CONNECTIONS: '20000',
    MAX_HOLDS_PER_CALLER: '10000',
  };
  const processes = await Promise.all([
    startService('gateway', env),
    startService('inference-worker', env),
    startService('review-service', env),
  ]);
  const { url, pid } = processes[0];
  const holding = new Agent({ connections: null, pipelining: 1 });
  const reviewing = new Agent({ connections: REVIEWERS, pipelining: 1 });
  const hold = (): Promise<{ status: number }> =>
    call(`${url}/v1/chat/completions`, holding, {
      model: 'stub',
      messages: [{ role: 'user', content: 'What is 2 + 2?' }],
    });
  const waiting = async (limit: number): Promise<{ id: string }[]> =>
    (await call(`${url}/v1/reviews?limit=${limit}`, reviewing)).body.data;
  const approve = async (id: string): Promise<void> => {
    const path = `${url}/v1/reviews/${id}/decision`;
    const { status } = await call(path, reviewing, { verdict: 'approve' }, { 'if-match': '"1"' });
    if (status !== 200) throw new Error(`a decision was answered with ${status}`);
  };

  const releases: number[] = [];
  for (let index = 0; index < RELEASES; index += 1) {
    const held = hold();
    let jobs = await waiting(1);
    while (jobs.length === 0) {
      await delay(2);
      jobs = await waiting(1);
    }
    const decided = performance.now();
    await Promise.all([approve(String(jobs[0]?.id)), held]);
    releases.push(performance.now() - decided);
  }
  releases.sort((a, b) => a - b);

  const clients: Promise<{ status: number }>[] = [];
  for (let index = 0; index < HELD_CLIENTS; index += 1) {
    clients.push(hold());
    if (index % 100 === 99) await delay(50);
  }
  const ids: string[] = [];
  while (ids.length < HELD_CLIENTS) {
    ids.length = 0;
    let cursor = '';
    do {
      const { body } = await call(`${url}/v1/reviews?limit=200${cursor}`, reviewing);
      ids.push(...body.data.map((job: { id: string }) => job.id));
      cursor = body.next_cursor === null ? '' : `&cursor=${String(body.next_cursor)}`;
    } while (cursor !== '');
    await delay(200);
  }
  const megabytes = residentMegabytes(pid);
  const began = performance.now();
  const queue = [...ids];
  await Promise.all(
    Array.from({ length: REVIEWERS }, async () => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) await approve(id);
    }),
  );
  const answers = await Promise.all(clients);
  const seconds = (performance.now() - began) / 1000;
  const released = answers.filter(({ status }) => status === 200).length;
  await Promise.all([holding.destroy(), reviewing.destroy()]);
  await Promise.all(processes.map((process) => process.stop()));
  await stub.close();

  console.log(`
decision to released client, nothing else running      p50 ${percentile(releases, 0.5)} ms, p99 ${percentile(releases, 0.99)} ms
${HELD_CLIENTS} clients held by one gateway                    ${megabytes} MB; ${released} released in ${seconds.toFixed(1)} s`);
  return {
    decision_to_release_p50_ms: percentile(releases, 0.5),
    decision_to_release_p99_ms: percentile(releases, 0.99),
    held_clients: HELD_CLIENTS,
    held_gateway_mb: megabytes,
    held_released: released,
    held_release_all_s: Number(seconds.toFixed(1)),
  };
}
