import { randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import pg from 'pg';
import { needs } from './needs';

export interface TestDatabase {
  url: string;
  /** Runs SQL past the application, to backdate rows or to look. */
  query<T = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<T[]>;
  drop(): Promise<void>;
}

/**
 * A fresh database of its own, migrated: a clone of the template that the run has made.
 * @param template what to clone instead, such as PostgreSQL's empty `template0`
 */
export async function createTestDatabase(template = 'hitl_template'): Promise<TestDatabase> {
  const admin = ofThisWorker('TEST_DATABASE_URL');
  const name = `hitl_${randomBytes(6).toString('hex')}`;
  await once(admin, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 3 });
  // The server may end connections while a test crashes it.
  pool.on('error', () => undefined);
  return {
    url: url.href,
    query: async <T>(sql: string, parameters?: unknown[]) => (await pool.query(sql, parameters)).rows as T[],
    async drop() {
      await pool.end();
      await once(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Makes `dataDir` the data folder of an embedded database of its own, migrated: a copy of the one that the run has made. */
export function copyEmbeddedDatabase(dataDir: string): void {
  cpSync(required('TEST_EMBEDDED_TEMPLATE'), dataDir, { recursive: true });
}

/** The URL of the RabbitMQ that nobody else uses meanwhile. Throws {@link Unavailable} in a run without a broker. */
export function testAmqpUrl(): string {
  if (!process.env[`TEST_AMQP_URL_${process.env.JEST_WORKER_ID}`]) needs('broker');
  return ofThisWorker('TEST_AMQP_URL');
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Each worker of jest has services of its own. */
const ofThisWorker = (name: string): string => required(`${name}_${process.env.JEST_WORKER_ID}`);

function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run the tests with 'npm test', which starts the services.`);
  return value;
}
