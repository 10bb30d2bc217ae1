import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createTestDatabase,
  runService,
  startService,
  testAmqpUrl,
  until,
  type TestDatabase,
} from '@hitl/testing';

let folder: string;
let database: TestDatabase;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hitl-preflight-'));
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Entry {
  level: string | number;
  msg?: string;
  message?: string;
}

/** A URL with some of its parts replaced. */
function changed(url: string, parts: Partial<Pick<URL, 'password' | 'pathname' | 'port'>>): string {
  return Object.assign(new URL(url), parts).href;
}

/** A port that nothing listens on. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

/** What an app says that cannot start: one message on stderr and nothing before it. */
async function refusalOf(app: 'gateway' | 'standalone', env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await runService(app, [], env);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
}

describe('an app that cannot start says with which variable', () => {
  it('the folder of its data is a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const DATA_DIR of [file, join(file, 'below')]) {
      expect(await refusalOf('standalone', { DATA_DIR })).toBe(
        `standalone cannot start. DATA_DIR=${DATA_DIR} cannot be used: ${DATA_DIR} is a file, or lies below one. Set DATA_DIR to a folder that this user may write, or DATABASE_URL to a PostgreSQL.\n`,
      );
    }
  });

  it('the folder of its data lies where the system keeps none', async () => {
    // Linux says that /proc does not exist where something is to be created in it, macOS that it may not write to /.
    const said = await refusalOf('standalone', { DATA_DIR: '/proc/hitl/data' });
    expect(said).toMatch(/^standalone cannot start\. DATA_DIR=\/proc\/hitl\/data cannot be used: .*\/proc/);
    expect(said).toContain('Set DATA_DIR to a folder that this user may write');
  });

  it('its database is not there', async () => {
    const DATABASE_URL = changed(database.url, { port: await closedPort() });
    const said = await refusalOf('standalone', { DATABASE_URL });
    expect(said).toMatch(
      /^standalone cannot start\. DATABASE_URL=postgres:\/\/127\.0\.0\.1:\d+\/\w+ cannot be used: .*ECONNREFUSED/,
    );
    expect(said).toContain('Start PostgreSQL there, or set DATABASE_URL to where it runs.');
  });

  it('its database takes another password', async () => {
    const DATABASE_URL = changed(database.url, { password: 'hunter2' });
    const said = await refusalOf('gateway', { DATABASE_URL, AMQP_URL: testAmqpUrl() });
    expect(said).toMatch(
      /^gateway cannot start\. DATABASE_URL=\S+ cannot be used: password authentication failed/,
    );
    expect(said).toContain('Set DATABASE_URL with the right user and password');
    expect(said).not.toContain('hunter2');
  });

  it('its database has another name', async () => {
    const DATABASE_URL = changed(database.url, { pathname: '/nosuch' });
    const said = await refusalOf('gateway', { DATABASE_URL, AMQP_URL: testAmqpUrl() });
    expect(said).toMatch(
      /DATABASE_URL=\S+\/nosuch cannot be used: database "nosuch" does not exist\. Create the database/,
    );
  });

  it('its broker takes another password', async () => {
    const AMQP_URL = changed(testAmqpUrl(), { password: 'hunter2' });
    const said = await refusalOf('gateway', { DATABASE_URL: database.url, AMQP_URL });
    expect(said).toMatch(
      /AMQP_URL=\S+ cannot be used: the broker refuses this user or password\. Set AMQP_URL/,
    );
    expect(said).not.toContain('hunter2');
  });

  it('one of its brokers takes another password', async () => {
    const AMQP_URL = `${testAmqpUrl()},${changed(testAmqpUrl(), { password: 'hunter2' })}`;
    const said = await refusalOf('gateway', { DATABASE_URL: database.url, AMQP_URL });
    expect(said).toMatch(/AMQP_URL=\S+ cannot be used: the broker refuses this user or password\./);
    expect(said).not.toContain('hunter2');
  });

  it('this machine has no such address', async () => {
    // From the block that is for documentation only.
    const env = { HOST: '192.0.2.1', AUTH_MODE: 'keys', DATA_DIR: join(folder, 'unused') };
    expect(await refusalOf('standalone', env)).toContain(
      'HOST=192.0.2.1 cannot be used: this machine has no such address.',
    );
  });

  it('its management port is its own port, or another program has it', async () => {
    const DATA_DIR = join(folder, 'unused');
    const PORT = '3999';
    expect(await refusalOf('standalone', { PORT, MANAGEMENT_PORT: PORT, DATA_DIR })).toContain(
      'MANAGEMENT_PORT=3999 is PORT as well.',
    );
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const MANAGEMENT_PORT = String((occupant.address() as AddressInfo).port);
    try {
      expect(await refusalOf('standalone', { PORT: '0', MANAGEMENT_PORT, DATA_DIR })).toMatch(
        /MANAGEMENT_PORT=\d+ of 127\.0\.0\.1 cannot be used: .* Set it to a free port other than PORT\./,
      );
    } finally {
      occupant.close();
    }
  });

  it('several things are wrong, in one message', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const PORT = String((occupant.address() as AddressInfo).port);
    try {
      const said = await refusalOf('standalone', { PORT, DATA_DIR: file });
      expect(said.split('\n')).toEqual([
        'standalone cannot start. Several things are wrong:',
        expect.stringMatching(/^ {2}Something listens on port \d+ .* set PORT to another one\.$/),
        expect.stringMatching(/^ {2}DATA_DIR=/),
        '',
      ]);
    } finally {
      occupant.close();
    }
  });
});

describe('an app that starts says', () => {
  const warnings = (logs: string[]): string[] =>
    logs.flatMap((line) => {
      const entry = line.startsWith('{') ? (JSON.parse(line) as Entry) : undefined;
      return entry && ['warn', 40].includes(entry.level) ? [entry.msg ?? entry.message ?? ''] : [];
    });

  it('that its desk is open to the network, and which rules nobody can decide then; and it takes no names', async () => {
    const REVIEW_POLICY_FILE = join(folder, 'policy.yaml');
    writeFileSync(
      REVIEW_POLICY_FILE,
      'version: 1\ngroups: { seniors: [ana] }\nrules: [{ name: payments, group: seniors }, { name: plain }]\n',
    );
    const env = { REVIEW_POLICY_FILE, DATABASE_URL: database.url };
    const open = await startService('standalone', {
      ...env,
      HOST: '0.0.0.0',
      AUTH_MODE_NONE_ANYWHERE: 'true',
    });
    const said = warnings(open.logs);
    const http = createClient(`http://127.0.0.1:${new URL(open.url).port}`);
    const answers = await Promise.all(
      [undefined, { 'x-hitl-actor': 'local' }, { 'x-hitl-actor': 'ana' }].map((headers) =>
        http.get('/v1/reviewer', headers),
      ),
    );
    const model = await http.get('/v1/models', { 'x-hitl-actor': 'ana' });
    await open.stop();
    const local = { status: 200, body: { name: 'local', may_choose: false, open_to_network: true } };
    expect(answers).toMatchObject([local, local, { status: 400, body: { code: 'invalid_request' } }]);
    expect(answers[2]!.body.detail).toMatch(/"ana" is not taken: .*HOST=0\.0\.0\.0.* Leave the header out/);
    expect(model).toMatchObject({ status: 400, body: { error: { param: 'x-hitl-actor' } } });
    expect(said).toContainEqual(
      expect.stringMatching(/^HOST=0\.0\.0\.0 opens the desk to the network WITHOUT SIGN-IN/),
    );
    expect(said).toContainEqual(
      expect.stringMatching(/^nobody can decide .* REVIEW_POLICY_FILE .* HOST=0\.0\.0\.0/),
    );
    expect(open.logs.find((line) => line.includes('nobody can decide'))).toContain('"rules":["payments"]');

    const closed = await startService('standalone', env);
    await closed.stop();
    expect(warnings(closed.logs).filter((line) => /HOST/.test(line))).toEqual([]);
  });

  it('nothing but what to set, where anybody on the network could decide', async () => {
    for (const AUTH_MODE of ['', 'none']) {
      const said = await refusalOf('standalone', { DATABASE_URL: database.url, HOST: '0.0.0.0', AUTH_MODE });
      expect(said).toMatch(/HOST=0\.0\.0\.0 opens the desk .* Set AUTH_MODE=keys, or HOST=127\.0\.0\.1/);
    }
  });

  it('where jobs and messages are, without passwords', async () => {
    const process = await startService('standalone', {
      DATABASE_URL: database.url,
      // As the original system calls it.
      AMQP_ADDR: testAmqpUrl(),
    });
    const said = await until('said where', () =>
      Promise.resolve(process.logs.find((line) => line.startsWith('Jobs are kept in'))),
    );
    await process.stop();
    const { host, pathname } = new URL(database.url);
    const broker = new URL(testAmqpUrl());
    expect(said).toBe(
      `Jobs are kept in PostgreSQL: postgres://${host}${pathname} (DATABASE_URL). Messages go through RabbitMQ: amqp://${broker.host}${broker.pathname} (AMQP_URL).`,
    );
    expect(process.logs.join('\n')).not.toContain(new URL(database.url).password);
  });

  it('which variables nothing reads', async () => {
    const process = await startService('standalone', {
      DATABASE_URL: database.url,
      MODEL_KEY: 'hunter2',
      RABBITMQ_URL: 'x',
    });
    await process.stop();
    expect(warnings(process.logs)).toEqual(
      expect.arrayContaining([
        'MODEL_KEY is not read: the variable is MODEL_API_KEY (see .env.example)',
        'RABBITMQ_URL is not read: the variable is AMQP_URL (see .env.example)',
      ]),
    );
    expect(process.logs.join('\n')).not.toContain('hunter2');
  });

  it('nothing of a broker that is away while another one answers', async () => {
    const AMQP_URL = `${changed(testAmqpUrl(), { port: await closedPort() })},${testAmqpUrl()}`;
    const process = await startService('gateway', { DATABASE_URL: database.url, AMQP_URL });
    await until('it publishes', async () => {
      const answer = await fetch(`${process.url}/health/ready`);
      return ((await answer.json()) as { publishing: boolean }).publishing;
    });
    await process.stop();
    expect(warnings(process.logs)).not.toContainEqual(expect.stringContaining('waiting for the broker'));
    expect(process.logs.join('\n')).not.toContain(new URL(testAmqpUrl()).password);
  });

  it.each([
    [
      'is away',
      async () => ({ port: await closedPort() }),
      /^waiting for the broker: AMQP_URL=\S+ does not respond yet/,
    ],
    [
      'has no such virtual host',
      () => Promise.resolve({ pathname: '/nosuch' }),
      /^waiting for the broker: AMQP_URL=\S+\/nosuch: the broker does not open this virtual host\. Create it/,
    ],
  ])('that its broker %s, and waits for it', async (_, parts, warning) => {
    const AMQP_URL = changed(testAmqpUrl(), await parts());
    const process = await startService('gateway', { DATABASE_URL: database.url, AMQP_URL });
    await process.stop();
    expect(warnings(process.logs)).toContainEqual(expect.stringMatching(warning));
  });
});
