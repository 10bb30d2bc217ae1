import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { batched } from '@hitl/background';
import { connect } from 'amqplib';
import Fastify from 'fastify';
import pg from 'pg';
import { request } from 'undici';

const QUEUE = 'bench.bare';
const IN_HAND = 200;
const CONNECTIONS = 10;

const SCHEMA = `
  DROP SCHEMA IF EXISTS bare CASCADE;
  CREATE SCHEMA bare;
  CREATE TABLE bare.jobs (
    id uuid PRIMARY KEY, status text NOT NULL, payload json NOT NULL, response json, created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE bare.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_id uuid NOT NULL, type text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());`;
const SUBMIT = `WITH job AS (
  INSERT INTO bare.jobs (id, status, payload) SELECT id, 'bot', payload FROM unnest($1::uuid[], $2::json[]) t (id, payload) RETURNING id)
  INSERT INTO bare.events (job_id, type) SELECT id, 'submitted' FROM job`;
const CLAIM = `SELECT id, payload FROM bare.jobs WHERE id = ANY($1::uuid[]) AND status = 'bot'`;
const COMPLETE = `WITH job AS (
  UPDATE bare.jobs j SET status = 'human', response = t.response FROM unnest($1::uuid[], $2::json[]) t (id, response)
  WHERE j.id = t.id AND j.status = 'bot' RETURNING j.id)
  INSERT INTO bare.events (job_id, type) SELECT id, 'inferred' FROM job`;
const APPROVE = `WITH job AS (
  UPDATE bare.jobs SET status = 'success' WHERE id = ANY($1::uuid[]) AND status = 'human' RETURNING id), event AS (
  INSERT INTO bare.events (job_id, type) SELECT id, 'decided' FROM job)
  SELECT id FROM job`;
const READ = 'SELECT id, status, payload, response, created_at FROM bare.jobs WHERE id = ANY($1::uuid[])';

interface Row {
  id: string;
  status: string;
  payload: unknown;
}

/**
 * Serves what a lifecycle needs on the original routes: the same commits, queue and batches in one process, on tables of its
 * own, without a framework and without a rule. It is the yardstick for what durability alone costs on this machine.
 */
async function serveBareNode(databaseUrl: string, amqpUrl: string, modelUrl: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  await pool.query(SCHEMA);
  const run = async (name: string, text: string, values: unknown[][]): Promise<Row[]> =>
    (await pool.query<Row>({ name, text, values })).rows;
  const find = (name: string, text: string) =>
    batched(async (ids: string[]) => {
      const rows = new Map((await run(name, text, [ids])).map((row) => [row.id, row]));
      return ids.map((id) => rows.get(id));
    });
  const submit = batched(async (jobs: { id: string; payload: string }[]) => {
    await run('submit', SUBMIT, [jobs.map(({ id }) => id), jobs.map(({ payload }) => payload)]);
    return jobs;
  });
  const complete = batched(async (jobs: { id: string; response: string }[]) => {
    await run('complete', COMPLETE, [jobs.map(({ id }) => id), jobs.map(({ response }) => response)]);
    return jobs;
  });
  const [claim, approve, read] = [find('claim', CLAIM), find('approve', APPROVE), find('read', READ)];

  const broker = await connect(amqpUrl);
  const channel = await broker.createConfirmChannel();
  await channel.assertQueue(QUEUE, { durable: true });
  await channel.purgeQueue(QUEUE);
  await channel.prefetch(IN_HAND);
  await channel.consume(QUEUE, (message) => {
    if (!message) return;
    const infer = async (id: string): Promise<void> => {
      const job = await claim(id);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(job?.payload);
      const answer = await request(`${modelUrl}/chat/completions`, { method: 'POST', headers, body });
      await complete({ id, response: await answer.body.text() });
      channel.ack(message);
    };
    void infer(message.content.toString());
  });

  const app = Fastify();
  app.post('/enqueue', async ({ body }) => {
    const id = randomUUID();
    await submit({ id, payload: JSON.stringify(body) });
    channel.sendToQueue(QUEUE, Buffer.from(id), { persistent: true });
    return { status: 'success', job_id: id };
  });
  app.get<{ Querystring: { id: string } }>('/job', ({ query }) => read(query.id));
  app.post<{ Body: { id: string } }>('/reviewJob', async ({ body }) => {
    if (!(await approve(body.id))) throw new Error(`job ${body.id} does not wait`);
    return { status: 'success' };
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
}

/** Is the bare server until this process is ended. */
export async function beBareNode([databaseUrl = '', amqpUrl = '', modelUrl = '']: string[]): Promise<never> {
  process.send?.(await serveBareNode(databaseUrl, amqpUrl, modelUrl));
  for (;;) await delay(2 ** 30);
}

/** {@link serveBareNode} in a process of its own. */
export async function startBareNode(
  ...urls: [databaseUrl: string, amqpUrl: string, modelUrl: string]
): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  const child = fork(process.argv[1] ?? '', ['bare', ...urls]);
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
