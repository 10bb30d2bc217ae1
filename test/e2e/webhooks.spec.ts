import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  completion,
  createClient,
  createTestDatabase,
  selfSigned,
  startService,
  startStack,
  testAmqpUrl,
  until,
  type Client,
  type ServiceProcess,
  type Stack,
  type TestDatabase,
} from '@hitl/testing';
import { Webhook } from 'standardwebhooks';

const ENDPOINTS = '/v1/webhook-endpoints';
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const LOCAL = { WEBHOOK_ALLOW_PRIVATE: 'true', WEBHOOK_SECRET };

/** A call as the receiver got it. */
interface Received {
  id: string;
  headers: Record<string, string>;
  body: string;
  message: any;
}

interface Receiver {
  url: string;
  received: Received[];
  connections: number;
  /** Decides every answer from now on; 204 by default. */
  answer: (response: ServerResponse, call: Received) => void;
  close(): Promise<void>;
}

async function startReceiver({ tls = false, port = 0 } = {}): Promise<Receiver> {
  const receiver: Receiver = {
    url: '',
    received: [],
    connections: 0,
    answer: (response) => response.writeHead(204).end(),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray()).toString();
    const headers = request.headers as Record<string, string>;
    const call = { id: headers['webhook-id']!, headers, body, message: JSON.parse(body) as unknown };
    receiver.received.push(call);
    receiver.answer(response, call);
  };
  const listener: RequestListener = (request, response) => void take(request, response);
  const server = tls ? createTlsServer(selfSigned(), listener) : createServer(listener);
  server.on('connection', () => (receiver.connections += 1));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
  return receiver;
}

describe('webhooks of jobs', () => {
  let stack: Stack;
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = await startReceiver();
    stack = await startStack('services', LOCAL);
  });

  afterAll(async () => {
    await stack.stop();
    await receiver.close();
  });

  it.each([
    ['approve', 'job.succeeded', 'success'],
    ['reject', 'job.failed', 'fail'],
  ])('tell after %s which job has ended, and never any part of the answer', async (verdict, type, status) => {
    stack.stub.answer = () => ({ body: completion('ZANZIBAR') });
    receiver.received.length = 0;
    const { body: endpoint } = await stack.http.post(ENDPOINTS, { url: receiver.url });
    const { id } = await stack.submit({ messages: [{ role: 'user', content: 'QUAGGA' }] });
    await stack.reaches(id, 'human');
    expect(receiver.received).toEqual([]);
    expect((await stack.decide(id, { verdict, reason: 'OKAPI' })).status).toBe(200);
    const call = await until('the webhook', () => receiver.received[0]);
    const verified = new Webhook(endpoint.secret).verify(call.body, call.headers);
    expect(verified).toEqual({ type, timestamp: expect.any(String), data: { id, status } });
    expect(JSON.stringify(call)).not.toMatch(/ZANZIBAR|QUAGGA|OKAPI/);
    expect((await stack.http.send('DELETE', `${ENDPOINTS}/${endpoint.id}`)).status).toBe(204);
  });

  it('are listed by job, to endpoints and to its callback_url, with every try and no secret', async () => {
    const list = (id: string) => stack.http.get(`/v1/jobs/${id}/deliveries`);
    const { body: endpoint } = await stack.http.post(ENDPOINTS, { url: receiver.url });
    const [other, { id }] = [
      await stack.submit({ input: 'x' }),
      await stack.submit({ input: 'y' }, { callback_url: `${receiver.url}/mine?token=hush` }),
    ];
    await stack.reaches(other.id, 'human');
    await stack.reaches(id, 'human');
    expect((await list(id)).body).toEqual({ data: [] });
    receiver.answer = (response) => response.writeHead(500).end();
    await stack.decide(other.id, { verdict: 'approve' });
    await stack.decide(id, { verdict: 'approve' });
    const { text, body } = await until('both tries', async () => {
      const answer = await list(id.toUpperCase());
      return answer.body.data.every(({ attempts }: any) => attempts.length === 1) && answer;
    });
    expect(body.data.map(({ endpoint_id }: any) => endpoint_id).sort()).toEqual([endpoint.id, null].sort());
    for (const delivery of body.data) {
      expect(delivery).toMatchObject({
        type: 'job.succeeded',
        job_id: id,
        status: 'waiting',
        attempts: [{ status_code: 500, error: null }],
      });
    }
    expect(text).not.toMatch(/whsec_|hush/);
    expect(await list('nobody')).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
    receiver.answer = (response) => response.writeHead(204).end();
    await stack.http.send('DELETE', `${ENDPOINTS}/${endpoint.id}`);
  });
});

describe('webhooks of two gateways', () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  let gateways: ServiceProcess[];
  let http: Client;
  let receiver: Receiver;

  beforeAll(async () => {
    database = await createTestDatabase();
    env = { ...LOCAL, DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() };
    gateways = await Promise.all([startService('gateway', env), startService('gateway', env)]);
    http = createClient(gateways[0]!.url);
    receiver = await startReceiver();
  });

  afterEach(async () => {
    await database.query('DELETE FROM webhook_deliveries');
    await database.query('DELETE FROM webhook_endpoints');
    await receiver.close();
    receiver = await startReceiver();
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await receiver.close();
    await database.drop();
  });

  const endpoint = async (url = receiver.url): Promise<any> => (await http.post(ENDPOINTS, { url })).body;
  const ping = async (id: string): Promise<string> => {
    const { status, body } = await http.post(`${ENDPOINTS}/${id}/ping`);
    expect(status).toBe(202);
    return body.delivery_id;
  };
  const deliveries = async (id: string): Promise<any[]> =>
    (await http.get(`${ENDPOINTS}/${id}/deliveries`)).body.data;
  const tried = (id: string, times = 1, deadlineMs = 10_000): Promise<any> =>
    until(
      `${times} tries for ${id}`,
      async () => {
        const [delivery] = await deliveries(id);
        return delivery.attempts.length === times && delivery;
      },
      deadlineMs,
    );
  /** Lets the next try happen now. */
  const backdate = () =>
    database.query(`UPDATE webhook_deliveries SET due_at = now() WHERE status = 'waiting'`);

  it('registers an endpoint, shows its secret once, lists and deletes it', async () => {
    const { status, body } = await http.post(ENDPOINTS, { url: 'https://EXAMPLE.com' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      url: 'https://example.com/',
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      disabled_at: null,
      disabled_because: null,
      created_at: expect.any(String),
    });
    const shown = { ...body };
    delete shown.secret;
    expect((await http.get(ENDPOINTS)).body).toEqual({ data: [shown] });
    expect((await http.send('DELETE', `${ENDPOINTS}/${body.id}`)).status).toBe(204);
    expect((await http.get(ENDPOINTS)).body).toEqual({ data: [] });
    expect((await http.send('DELETE', `${ENDPOINTS}/${body.id}`)).status).toBe(404);
  });

  it('answers a repetition under the same idempotency key with the same endpoint and secret', async () => {
    const create = (url: string) => http.post(ENDPOINTS, { url }, { 'idempotency-key': 'once' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(receiver.url)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect((await create('https://example.com/other')).body.code).toBe('idempotency_conflict');
    expect((await http.get(ENDPOINTS)).body.data).toHaveLength(1);
  });

  it.each([
    ['POST', 'ping'],
    ['POST', 'rotate-secret'],
    ['GET', 'deliveries'],
    ['POST', 'deliveries/019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e/redeliver'],
  ])('answers 404 to %s …/%s of an endpoint that is not there', async (method, path) => {
    for (const id of ['019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e', 'nonsense']) {
      const { status, body } = await http.send(method, `${ENDPOINTS}/${id}/${path}`);
      expect([status, body.code]).toEqual([404, 'webhook_endpoint_not_found']);
    }
  });

  it('sends a ping and lists it with its attempt', async () => {
    const { id, secret } = await endpoint();
    const deliveryId = await ping(id);
    const delivery = await tried(id);
    expect(delivery).toEqual({
      id: deliveryId,
      type: 'ping',
      job_id: null,
      endpoint_id: id,
      status: 'delivered',
      attempts: [
        { status_code: 204, error: null, duration_ms: expect.any(Number), created_at: expect.any(String) },
      ],
      due_at: null,
      created_at: expect.any(String),
      finished_at: expect.any(String),
    });
    const [call] = receiver.received;
    expect(call!.id).toBe(deliveryId);
    expect(new Webhook(secret).verify(call!.body, call!.headers)).toEqual({
      type: 'ping',
      timestamp: delivery.created_at,
      data: {},
    });
  });

  it('sends no more pings than ten a minute, whoever asks', async () => {
    const { id } = await endpoint();
    const other = await endpoint();
    for (let count = 0; count < 10; count += 1) await ping(id);
    const { status, headers, body } = await http.post(`${ENDPOINTS}/${id}/ping`);
    expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'too_many_webhook_calls', '60']);
    await ping(other.id);
    await database.query(
      `UPDATE webhook_deliveries SET created_at = created_at - interval '1 minute' WHERE endpoint_id = $1`,
      [id],
    );
    await ping(id);
  });

  it('signs with both secrets while a rotation lasts, then with the new one only', async () => {
    const { id, secret: old } = await endpoint();
    const { status, body } = await http.post(`${ENDPOINTS}/${id}/rotate-secret`);
    expect([status, body.id]).toEqual([200, id]);
    expect(body.secret).not.toBe(old);
    await ping(id);
    await tried(id);
    const [first] = receiver.received;
    for (const secret of [old, body.secret]) new Webhook(secret).verify(first!.body, first!.headers);

    await database.query('UPDATE webhook_endpoints SET previous_secret_until = now()');
    await ping(id);
    const second = await until('the second ping', () => receiver.received[1]);
    new Webhook(body.secret).verify(second.body, second.headers);
    expect(() => new Webhook(old).verify(second.body, second.headers)).toThrow();
  });

  it('tries again after a 500, with the same webhook-id and the same body', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const { id } = await endpoint();
    await ping(id);
    const waiting = await tried(id);
    expect(waiting).toMatchObject({ status: 'waiting', attempts: [{ status_code: 500 }], finished_at: null });
    const wait = Date.parse(waiting.due_at) - Date.parse(waiting.attempts[0].created_at);
    expect(wait).toBeGreaterThan(3500);
    expect(wait).toBeLessThan(6500);

    receiver.answer = (response) => response.writeHead(200).end('fine');
    await backdate();
    expect(await tried(id, 2)).toMatchObject({
      status: 'delivered',
      attempts: [{ status_code: 200 }, { status_code: 500 }],
    });
    const [first, second] = receiver.received;
    expect([second!.id, second!.body]).toEqual([first!.id, first!.body]);
  });

  it('gives up after the tenth try, and sends again when asked to', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const { id } = await endpoint();
    const deliveryId = await ping(id);
    for (let times = 1; times <= 10; times += 1) {
      await tried(id, times);
      await backdate();
    }
    expect((await deliveries(id))[0]).toMatchObject({ status: 'failed', due_at: null });

    receiver.answer = (response) => response.writeHead(200).end();
    const path = `${ENDPOINTS}/${id}/deliveries/${deliveryId}/redeliver`;
    expect(await http.post(path)).toMatchObject({ status: 202, body: { delivery_id: deliveryId } });
    expect(await tried(id, 11)).toMatchObject({ status: 'delivered' });
    expect(new Set(receiver.received.map((call) => call.id))).toEqual(new Set([deliveryId]));
    const other = await http.post(path.replace(deliveryId, '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e'));
    expect([other.status, other.body.code]).toEqual([404, 'webhook_delivery_not_found']);
  });

  it('reaches a receiver that was down once it is up', async () => {
    const { port } = new URL(receiver.url);
    await receiver.close();
    const { id } = await endpoint();
    await ping(id);
    expect(await tried(id)).toMatchObject({
      status: 'waiting',
      attempts: [{ status_code: null, error: expect.stringContaining('ECONNREFUSED') }],
    });
    receiver = await startReceiver({ port: Number(port) });
    await backdate();
    expect(await tried(id, 2)).toMatchObject({ status: 'delivered' });
  });

  it('waits 15 seconds for a slow receiver, and serves the others meanwhile', async () => {
    const slow = await startReceiver();
    slow.answer = () => undefined;
    const { id } = await endpoint(slow.url);
    await database.query(
      `INSERT INTO webhook_deliveries (endpoint_id, url, type, due_at)
       SELECT $1, $2, 'ping', now() - interval '1 minute' FROM generate_series(1, 100)`,
      [id, slow.url],
    );
    await until('calls to the slow one', () => slow.received.length >= 16);
    const other = await endpoint();
    await ping(other.id);
    expect(await tried(other.id, 1, 5000)).toMatchObject({ status: 'delivered' });
    // Two gateways, each at most 8 calls and the 7 that it took while there was room.
    expect(slow.received.length).toBeLessThanOrEqual(30);
    const attempt = await until(
      'the time-out',
      async () => {
        const [first] = await database.query<{ error: string; duration_ms: number }>(
          'SELECT error, duration_ms FROM webhook_attempts WHERE error IS NOT NULL',
        );
        return first;
      },
      25_000,
    );
    expect(attempt).toEqual({ error: 'no reply within 15 s', duration_ms: expect.any(Number) });
    expect(attempt.duration_ms).toBeGreaterThanOrEqual(14_990);
    expect(attempt.duration_ms).toBeLessThan(17_000);
    await slow.close();
  });

  it('does not follow a redirect', async () => {
    const elsewhere = await startReceiver();
    receiver.answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    const { id } = await endpoint();
    await ping(id);
    expect(await tried(id)).toMatchObject({
      status: 'waiting',
      attempts: [{ status_code: 307, error: 'redirects are not followed' }],
    });
    expect(elsewhere.connections).toBe(0);
    await elsewhere.close();
  });

  it('disables an endpoint that answers 410, and enables it when it takes a ping', async () => {
    receiver.answer = (response) => response.writeHead(410).end();
    const { id } = await endpoint();
    await ping(id);
    expect(await tried(id)).toMatchObject({ status: 'failed', attempts: [{ status_code: 410 }] });
    const [disabled] = (await http.get(ENDPOINTS)).body.data;
    expect(disabled).toMatchObject({ disabled_at: expect.any(String), disabled_because: expect.any(String) });

    receiver.answer = (response) => response.writeHead(200).end();
    await ping(id);
    await until('the second ping', async () => (await deliveries(id))[0].status === 'delivered');
    const [enabled] = (await http.get(ENDPOINTS)).body.data;
    expect(enabled).toMatchObject({ disabled_at: null, disabled_because: null });
  });

  it('sends nothing to a receiver that lies about its certificate', async () => {
    const liar = await startReceiver({ tls: true });
    const { id } = await endpoint(liar.url);
    await ping(id);
    expect(await tried(id)).toMatchObject({
      status: 'waiting',
      attempts: [{ status_code: null, error: expect.stringContaining('self-signed') }],
    });
    expect(liar.connections).toBeGreaterThan(0);
    expect(liar.received).toEqual([]);
    await liar.close();
  });

  it('heeds Retry-After', async () => {
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '1800' }).end();
    const { id } = await endpoint();
    await ping(id);
    const { due_at } = await tried(id);
    expect(Math.abs(Date.parse(due_at) - Date.now() - 1_800_000)).toBeLessThan(10_000);
  });

  it("signs a job's own callback with WEBHOOK_SECRET", async () => {
    const jobId = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';
    await database.query(
      `INSERT INTO webhook_deliveries (job_id, url, type, due_at) VALUES ($1, $2, 'job.succeeded', now())`,
      [jobId, receiver.url],
    );
    const call = await until('the callback', () => receiver.received[0]);
    expect(new Webhook(WEBHOOK_SECRET).verify(call.body, call.headers)).toMatchObject({
      type: 'job.succeeded',
      data: { id: jobId, status: 'success' },
    });
  });

  it('sends each of a thousand deliveries once, with both gateways at work', async () => {
    const { id } = await endpoint();
    receiver.answer = (response) => setTimeout(() => response.writeHead(204).end(), 5);
    const sentBy = async ({ url }: ServiceProcess): Promise<number> => {
      const { text } = await createClient(url).get('/metrics');
      return Number(/hitl_webhook_attempts_total\{outcome="delivered"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await Promise.all(gateways.map(sentBy));
    await database.query(
      `INSERT INTO webhook_deliveries (endpoint_id, url, type, due_at)
       SELECT $1, $2, 'ping', now() FROM generate_series(1, 1000)`,
      [id, receiver.url],
    );
    await until('all of them', async () => {
      const [row] = await database.query<{ left: string }>(
        `SELECT count(*) AS left FROM webhook_deliveries WHERE status = 'waiting'`,
      );
      return row!.left === '0';
    });
    expect(receiver.received).toHaveLength(1000);
    expect(new Set(receiver.received.map((call) => call.id)).size).toBe(1000);
    const after = await Promise.all(gateways.map(sentBy));
    const counts = after.map((count, index) => count - before[index]!);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(counts[0]! + counts[1]!).toBe(1000);
  });

  it('sends again with the same webhook-id after kill -9 between the call and its record', async () => {
    receiver.answer = () => undefined;
    const { id } = await endpoint();
    const deliveryId = await ping(id);
    await until('the first call', () => receiver.received.length === 1);
    // Whichever of them it was.
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    const left = await database.query(
      'SELECT status, attempts, due_at > now() AS leased FROM webhook_deliveries',
    );
    expect(left).toEqual([{ status: 'waiting', attempts: 0, leased: true }]);

    receiver.answer = (response) => response.writeHead(200).end();
    gateways = [await startService('gateway', env)];
    http = createClient(gateways[0]!.url);
    await backdate();
    expect(await tried(id)).toMatchObject({ status: 'delivered', attempts: [{ status_code: 200 }] });
    expect(receiver.received.map((call) => call.id)).toEqual([deliveryId, deliveryId]);
  });

  it('records the call under way before it stops', async () => {
    let respond: (() => void) | undefined;
    receiver.answer = (response) => (respond = () => response.writeHead(200).end());
    await ping((await endpoint()).id);
    const finish = await until('the call', () => respond);
    const stopped = gateways[0]!.stop();
    await until('the stop', () => gateways[0]!.logs.some((line) => line.includes('"msg":"stopping')));
    finish();
    expect(await stopped).toBe(0);
    expect(await database.query('SELECT status FROM webhook_deliveries')).toEqual([{ status: 'delivered' }]);
  });
});

describe('webhooks of a gateway without WEBHOOK_ALLOW_PRIVATE and WEBHOOK_SECRET', () => {
  let database: TestDatabase;
  let gateway: ServiceProcess;
  let http: Client;
  let receiver: Receiver;

  beforeAll(async () => {
    database = await createTestDatabase();
    gateway = await startService('gateway', { DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() });
    http = createClient(gateway.url);
    receiver = await startReceiver();
  });

  afterAll(async () => {
    await gateway.stop();
    await receiver.close();
    await database.drop();
  });

  it('refuse a private address at once, and say why', async () => {
    const { status, body } = await http.post(ENDPOINTS, { url: 'http://0x7f000001/' });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/url' }] });
    expect(body.detail).toContain('WEBHOOK_ALLOW_PRIVATE');
  });

  it('never connect to a private address that got into the database', async () => {
    const { body } = await http.post(ENDPOINTS, { url: 'https://example.com/' });
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '[::ffff:127.0.0.1]']) {
      await database.query(
        `INSERT INTO webhook_deliveries (endpoint_id, url, type, due_at) VALUES ($1, $2, 'ping', now())`,
        [body.id, receiver.url.replace('127.0.0.1', host)],
      );
    }
    const attempts = await until('four attempts', async () => {
      const rows = await database.query<{ error: string }>('SELECT error FROM webhook_attempts');
      return rows.length === 4 ? rows : undefined;
    });
    for (const { error } of attempts) expect(error).toContain('not public');
    expect(receiver.connections).toBe(0);
  });

  it('fail a callback that cannot be signed, and say why', async () => {
    const [row] = await database.query<{ id: string }>(
      `INSERT INTO webhook_deliveries (job_id, url, type, due_at)
       VALUES (gen_random_uuid(), 'https://example.com/', 'job.failed', now()) RETURNING id`,
    );
    const attempt = await until('the attempt', async () => {
      const [attempt] = await database.query<{ error: string; status: string }>(
        'SELECT a.error, d.status FROM webhook_attempts a JOIN webhook_deliveries d ON d.id = a.delivery_id WHERE d.id = $1',
        [row!.id],
      );
      return attempt;
    });
    expect(attempt).toEqual({ status: 'failed', error: expect.stringContaining('WEBHOOK_SECRET') });
  });

  it('stop at 50 endpoints, but repeat the answer to an earlier request', async () => {
    const create = () =>
      http.post(ENDPOINTS, { url: 'https://example.com/' }, { 'idempotency-key': 'early' });
    const early = await create();
    await database.query(
      `INSERT INTO webhook_endpoints (id, project, url, secret)
       SELECT gen_random_uuid(), 'default', 'https://example.com/', 'whsec_' FROM generate_series(1, 50)`,
    );
    const { status, body } = await http.post(ENDPOINTS, { url: 'https://example.com/' });
    expect([status, body.code]).toEqual([409, 'too_many_webhook_endpoints']);
    expect((await create()).text).toBe(early.text);
  });
});
