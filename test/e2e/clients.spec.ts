import { request } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient, startStack, WAYS, type Client, type Stack } from '@hitl/testing';

const JSON_TYPE = { 'content-type': 'application/json' };
const MIB = 1_048_576;
/** A name as curl and proxies send it: the bytes of its UTF-8. */
const utf8 = (name: string) => ({ 'x-hitl-actor': Buffer.from(name).toString('latin1') });
const encoded = (name: string) => ({ 'x-hitl-actor': encodeURIComponent(name) });

/** Sends what fetch would not: a Host of its own, and any other header. */
function send(url: string, method: string, path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(url);
  const body = method === 'POST' ? '{"payload":1}' : undefined;
  return new Promise((resolve, reject) => {
    const options = { hostname, port, method, path, headers: { ...JSON_TYPE, ...headers } };
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end(body);
  });
}

describe('requests as clients and proxies send them', () => {
  let stack: Stack;
  let http: Client;
  beforeAll(async () => {
    stack = await startStack('services', { MAX_BODY_BYTES: String(MIB), ALLOWED_HOSTS: 'desk.example' });
    ({ http } = stack);
  });
  afterAll(() => stack.stop());

  const waiting = async (): Promise<string> => {
    const { id } = await stack.submit({ model: 'any', messages: [] });
    await stack.reaches(id, 'human');
    return id;
  };

  it('may name JSON where they send no body', async () => {
    const bare = async (method: string, path: string) =>
      (await http.send(method, path, { headers: JSON_TYPE })).status;
    const review = `/v1/reviews/${await waiting()}`;
    expect(await bare('PUT', `${review}/claim`)).toBe(200);
    expect(await bare('DELETE', `${review}/claim`)).toBe(204);
    expect(await bare('PUT', `${review}/viewers`)).toBe(200);
    expect(await bare('POST', '/v1/reviews/claim-next')).toBe(200);
    await stack.decide(review.slice(12), { verdict: 'approve', undo_ms: 60_000 });
    expect(await bare('DELETE', `${review}/decision`)).toBe(200);
    expect(await bare('POST', `/v1/jobs/${review.slice(12)}/cancel`)).toBe(200);
    const { body } = await http.post('/v1/responses', { model: 'any', input: 'Hi', background: true });
    expect(await bare('POST', `/v1/responses/${body.id}/cancel`)).toBe(200);
    expect((await http.post('/v1/jobs', '', JSON_TYPE)).body.code).toBe('invalid_json');
  });

  it.each(['W/"1"', ' W/"1" ', '"1-gzip"', '"1--gzip"', 'W/"1-br"'])(
    'decide with the ETag as a proxy has written it: %s',
    async (etag) => {
      const { status } = await stack.decide(await waiting(), { verdict: 'approve' }, { 'if-match': etag });
      expect(status).toBe(200);
    },
  );

  const BODY = JSON.stringify({ payload: 'é'.repeat(1000) });
  it.each<[string, (text: string | Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['X-GZIP', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['identity', (text) => Buffer.from(text)],
  ])('may be compressed: %s', async (name, compress) => {
    const headers = { 'content-encoding': name };
    const { status, body } = await http.post('/v1/jobs', compress(BODY), headers);
    expect([status, body.payload]).toEqual([202, 'é'.repeat(1000)]);
    expect((await http.post('/enqueue', compress(BODY), headers)).status).toBe(200);

    // A small body that would become large.
    const bomb = compress(Buffer.alloc(32 * MIB, 0x20));
    expect((await http.post('/v1/jobs', bomb, headers)).status).toBe(413);
    if (name === 'identity') return;
    const cut = await http.post('/v1/jobs', compress(BODY).subarray(0, -9), headers);
    expect([cut.status, cut.body.code]).toEqual([400, 'invalid_request']);
  });

  it.each(['compress', 'gzip, br', 'toString'])('are told which encodings are taken: %s', async (name) => {
    const { status, body } = await http.post('/v1/jobs', BODY, { 'content-encoding': name });
    expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
    expect(body.detail).toContain('gzip, deflate, br');
  });

  it('may begin with a byte order mark, and double or end their slashes', async () => {
    const { body } = await http.post('/v1/jobs/', '\ufeff{"payload":7}');
    expect(body.payload).toBe(7);
    expect((await http.get(`//v1//jobs/${body.id}/`)).body.payload).toBe(7);
    expect((await http.get('/jobs/?limit=1')).body).toHaveLength(1);
    expect((await http.get('/health/ready/')).status).toBe(200);
  });

  it.each(['José', 'Zoë', "O'Brien", 'auth0|4711', 'CORP\\ana', '李雷', '100 %', 'a/b?c#d', '𝒜'.repeat(128)])(
    'act under the name %s',
    async (name) => {
      const headers = name.includes('%') ? encoded(name) : utf8(name);
      expect((await http.get('/v1/reviewer', headers)).body.name).toBe(name);
      expect((await http.get('/v1/reviewer', encoded(name))).body.name).toBe(name);
      const review = `/v1/reviews/${await waiting()}`;
      const claimed = await http.put(`${review}/claim`, undefined, headers);
      expect(claimed.body.review.claim.by).toBe(name);
      await http.put(`${review}/draft`, { revision: 1, content: name }, headers);
      expect((await http.get(`${review}/draft`, encoded(name))).body.content).toBe(name);
      expect((await http.get(`${review}/draft`, encoded(`${name.slice(0, 4)}x`))).status).toBe(404);
      expect((await stack.decide(review.slice(12), { verdict: 'approve' }, headers)).status).toBe(200);
      const { body } = await http.get(`/v1/decisions?reviewer=${encodeURIComponent(name.normalize('NFD'))}`);
      expect(body.data[0].actor).toBe(name);
    },
  );

  it('come from one person, however the name is composed', async () => {
    const review = `/v1/reviews/${await waiting()}`;
    expect((await http.put(`${review}/claim`, undefined, encoded('Jose\u0301'))).status).toBe(200);
    expect((await stack.decide(review.slice(12), { verdict: 'approve' }, encoded(' José'))).status).toBe(200);
  });

  it.each([
    ['Host: desk.example:443', { origin: 'https://desk.example', host: 'desk.example:443' }],
    ['Host: desk.example:80', { origin: 'http://desk.example', host: 'desk.example:80' }],
    ['Host: Desk.Example', { origin: 'https://desk.example', host: 'Desk.Example' }],
    [
      'X-Forwarded-Host of proxies on this machine',
      {
        origin: 'https://desk.example',
        host: '10.0.0.7:3000',
        'x-forwarded-host': 'Desk.example:443, inner',
      },
    ],
    [
      'a browser that says so',
      { origin: 'https://desk.example:8443', host: 'desk.example', 'sec-fetch-site': 'same-origin' },
    ],
  ])('are of the page itself by %s', async (_how, headers) => {
    expect(await send(stack.url, 'POST', '/v1/jobs', headers)).toBe(202);
  });

  it.each<Record<string, string>>([
    { origin: 'https://evil.example', host: 'desk.example' },
    { origin: 'https://desk.example:444', host: 'desk.example:443' },
    { origin: 'https://evil.example', host: 'desk.example', 'sec-fetch-site': 'cross-site' },
    { origin: 'null', host: 'desk.example' },
    { 'sec-fetch-site': 'cross-site', host: 'desk.example' },
    { 'sec-fetch-site': 'same-site', host: 'desk.example' },
  ])('are not of the page itself: %j', async (headers) => {
    expect(await send(stack.url, 'POST', '/v1/jobs', headers)).toBe(403);
  });

  it.each([
    '/v1/jobs',
    '/jobs',
    '/v1/events',
    '/v1/models',
    '/',
    '/docs',
    '/openapi.json',
    '/metrics',
    '/nothing',
  ])('get nothing at %s for a host that a stranger lets point here', async (path) => {
    const page = { host: 'evil.example:3000', 'sec-fetch-site': 'same-origin' };
    expect(await send(stack.url, 'GET', path, page)).toBe(421);
    expect(await send(stack.url, 'POST', path, { ...page, origin: 'http://evil.example:3000' })).toBe(421);
    // Which a page may write itself.
    expect(await send(stack.url, 'GET', path, { ...page, 'x-forwarded-host': 'localhost' })).toBe(421);
  });

  it.each(['/health/live', '/health/ready', '/liveness'])('are probes at %s for any host', async (path) => {
    expect(await send(stack.url, 'GET', path, { host: 'evil.example' })).toBe(200);
  });
});

describe('the metrics of a public port', () => {
  it('are told to callers on its own machine only, and by no proxy', async () => {
    const stack = await startStack('standalone', { HOST: '0.0.0.0', AUTH_MODE: 'keys' });
    try {
      const url = stack.url.replace('0.0.0.0', '127.0.0.1');
      expect(await send(url, 'GET', '/metrics', {})).toBe(200);
      for (const header of ['x-forwarded-for', 'forwarded', 'via']) {
        expect(await send(url, 'GET', '/metrics', { [header]: '127.0.0.1' })).toBe(404);
      }
    } finally {
      await stack.stop();
    }
  });

  it.each(WAYS)('have a port of their own where there is one, with the probes: $name', async ({ way }) => {
    const stack = await startStack(way, { MANAGEMENT_PORT: '0' });
    try {
      expect((await stack.http.get('/metrics')).body.code).toBe('not_found');
      for (const { url, logs } of stack.processes) {
        const ready = logs.find((line) => line.includes('"msg":"ready"'))!;
        const management = createClient(`http://127.0.0.1:${JSON.parse(ready).management}`);
        const service = createClient(url);
        expect((await service.get('/metrics')).status).toBe(404);
        expect((await management.get('/metrics')).text).toContain('hitl_jobs_submitted_total');
        for (const path of ['/health/live', '/health/ready']) {
          const [own, shared] = [await management.get(path), await service.get(path)];
          expect([own.status, own.body]).toEqual([shared.status, shared.body]);
        }
        expect((await management.send('HEAD', '/health/ready')).status).toBe(200);
        for (const path of ['/', '/v1/jobs', '/metrics/x', '/toString']) {
          expect((await management.get(path)).status).toBe(404);
        }
        expect((await management.post('/metrics')).status).toBe(404);
      }
    } finally {
      await stack.stop();
    }
  });
});

describe('a gateway whose settings say where it is', () => {
  const PUBLIC_URL = 'https://desk.example/hitl';
  let stack: Stack;
  let http: Client;
  beforeAll(async () => {
    stack = await startStack('standalone', {
      PUBLIC_URL,
      TRUST_PROXY: 'false',
      CORS_ORIGINS: 'https://app.example, http://localhost:5173',
      HOLD_TIMEOUT_MS: '200',
    });
    http = createClient(`${stack.url}/hitl`);
  });
  afterAll(() => stack.stop());

  it('serves its sub-path, whether a proxy takes it away or not', async () => {
    for (const client of [http, stack.http]) {
      expect((await client.get('/v1/jobs')).status).toBe(200);
      expect((await client.get('/jobs')).status).toBe(200);
      expect((await client.get('/openapi.json')).body.servers).toEqual([{ url: PUBLIC_URL }]);
      const { text } = await client.get('/review/7');
      const [script] = /(?<=src=")[^"]+\.js/.exec(text)!;
      expect(script).toMatch(/^\/hitl\/assets\//);
      expect((await stack.http.get(script)).headers.get('content-type')).toContain('javascript');
    }
    expect((await stack.http.get('/hitl')).text).toContain('/hitl/assets/');
    expect((await stack.http.get('/hitlist')).status).toBe(404);
  });

  it('gives links that lead to it', async () => {
    const { headers, body } = await http.post('/v1/jobs', { payload: 1 });
    expect(headers.get('location')).toBe(`${PUBLIC_URL}/v1/jobs/${body.id}`);
    const held = await http.post('/v1/chat/completions', {
      model: 'any',
      messages: [{ role: 'user', content: 'x' }],
    });
    expect(held.body.error.job_url).toBe(`${PUBLIC_URL}/v1/jobs/${held.body.error.job_id}`);
  });

  it('knows its own pages by PUBLIC_URL, whatever the proxy writes, and believes no other', async () => {
    const host = '10.0.0.7:3000';
    expect(await send(stack.url, 'POST', '/v1/jobs', { host, origin: 'https://desk.example' })).toBe(202);
    const forged = { host, origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' };
    expect(await send(stack.url, 'POST', '/v1/jobs', forged)).toBe(403);
  });

  it('lets the pages of CORS_ORIGINS use the API', async () => {
    const origin = 'https://app.example';
    const preflight = await http.send('OPTIONS', '/v1/jobs', {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
      },
    });
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': 'authorization,content-type,x-stainless-lang',
      vary: 'Origin',
    });
    const { status, headers } = await http.post('/v1/jobs', { payload: 1 }, { origin });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([202, origin]);
    expect(headers.get('access-control-expose-headers')).toMatch(/ETag.*Location.*Retry-After/);
    const refused = await http.get('/v1/jobs/none', { origin });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([404, origin]);
    // EventSource: the headers of a stream that is written past the framework.
    const stop = new AbortController();
    const stream = await fetch(`${stack.url}/v1/events`, { headers: { origin }, signal: stop.signal });
    expect(stream.headers.get('access-control-allow-origin')).toBe(origin);
    stop.abort();
  });

  it('says nothing of the kind to the pages of others', async () => {
    const origin = 'https://app.example.evil.example';
    for (const method of ['OPTIONS', 'GET']) {
      const { headers } = await http.send(method, '/v1/jobs', { headers: { origin } });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toBe('Origin');
    }
    expect((await http.post('/v1/jobs', { payload: 1 }, { origin })).status).toBe(403);
  });
});
