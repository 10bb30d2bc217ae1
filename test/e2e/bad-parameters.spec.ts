import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectForm, MARKER, startTarget, type Target } from './refusals';

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const UUID = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';

const IDS = [
  MARKER,
  UUID,
  `{${UUID}}`,
  UUID.replaceAll('-', ''),
  `${UUID}\n`,
  ' ',
  '../../etc/passwd',
  '..%2f..',
  '\0',
  `${MARKER}\0`,
  `' OR '1'='1`,
  `1; DROP TABLE jobs; --${MARKER}`,
  'ünï✓𝄞\u202e',
  '$1',
  '{{7*7}}',
  '*',
  'null',
  '__proto__',
  '-1',
  'a'.repeat(8000),
];

const CURSORS = [
  '',
  MARKER,
  '\0',
  '!!!!',
  UUID,
  `'; DROP TABLE jobs; --`,
  encoded(null),
  encoded(7),
  encoded([]),
  encoded({}),
  encoded({ priority: 1 }),
  encoded({ priority: '1', id: UUID }),
  encoded({ priority: 1.5, id: UUID }),
  encoded({ priority: 1e300, id: UUID }),
  encoded({ priority: 1, id: `${MARKER}' OR 1=1` }),
  encoded({ priority: 1, id: [UUID] }),
  encoded(`${UUID}' OR 1=1`),
  encoded([UUID]),
  Buffer.from(`"${UUID}`).toString('base64url'),
  encoded('x'.repeat(8000)),
];

const LIMITS = ['', ' ', '0', '-1', '201', '1.5', '1e2', '0x10', '٣', 'NaN', '9'.repeat(400), MARKER, '1;--'];
const STATUSES = ['', 'done', MARKER, 'human ', `human' OR '1'='1`, '\0', 'human,fail', 'toString'];

describe('addresses and parameters that make no sense', () => {
  let target: Target;

  beforeAll(async () => {
    target = await startTarget();
  });

  afterAll(() => target.survives());

  describe('an id that no job has', () => {
    const id = (value: string) => encodeURIComponent(value);

    it.each(IDS)('%j', async (value) => {
      const { http } = target;
      const missing = { status: 404, code: 'job_not_found' } as const;
      await target.refuses(() => http.get(`/v1/jobs/${id(value)}`), missing);
      await target.refuses(() => http.post(`/v1/jobs/${id(value)}/cancel`), missing);
      await target.refuses(() => target.decide(id(value), { verdict: 'approve' }), missing);
      await target.refuses(() => target.decide(id(value), { verdict: 'regenerate', payload: 1 }), missing);
      await target.refuses(() => http.get(`/v1/jobs/${id(value)}/history`), missing);
      const review = `/v1/reviews/${id(value)}`;
      for (const path of ['', '/history', '/draft']) {
        await target.refuses(() => http.get(review + path), missing);
      }
      for (const path of ['/claim', '/decision', '/draft']) {
        await target.refuses(() => http.delete(review + path), missing);
      }
      await target.refuses(() => http.put(`${review}/claim`), missing);
      await target.refuses(() => http.put(`${review}/viewers`), missing);
      await target.refuses(() => http.put(`${review}/draft`, { revision: 1, content: MARKER }), missing);
      await target.refuses(() => http.post(`${review}/notes`, { text: MARKER }), missing);
      await target.refuses(() => http.get(`/job?id=${id(value)}`), missing);
      for (const status of ['success', 'fail', 'bot', 'human']) {
        const body = { id: value, status, response: MARKER };
        const refused = value.includes('\0') ? { status: 400 } : missing;
        await target.refuses(() => http.post('/reviewJob', body), refused);
      }
    });

    it('repeats no more than its beginning', async () => {
      const { text } = await target.http.get(`/v1/jobs/${'a'.repeat(8000)}`);
      expect(text.length).toBeLessThan(1000);
    });
  });

  const refusesAll = async (path: string, name: string, values: string[]): Promise<void> => {
    for (const value of values) {
      const answer = await target.refuses(
        () => target.http.get(`${path}?${name}=${encodeURIComponent(value)}`),
        { status: 400, code: 'invalid_request' },
      );
      expectForm(answer, path);
      if (path.startsWith('/v1/')) {
        expect(answer.body.errors).toEqual([{ pointer: name, detail: expect.any(String) }]);
      }
      expect(answer.body.detail ?? answer.body.message).toContain(`"${name}"`);
      expect(answer.text.length).toBeLessThan(1000);
    }
  };

  it.each(['/v1/jobs', '/v1/reviews'])('%s: a limit', (path) => refusesAll(path, 'limit', LIMITS));
  it('/jobs: a limit that is no number', () =>
    refusesAll(
      '/jobs',
      'limit',
      LIMITS.filter((limit) => !/^\d+$/.test(limit)),
    ));
  it.each(['/v1/jobs', '/jobs'])('%s: a status', (path) => refusesAll(path, 'status', STATUSES));
  it('/jobs: an offset', () =>
    refusesAll('/jobs', 'offset', ['', '-1', '1.5', '1e3', '1000001', '9'.repeat(400), MARKER]));
  it('/v1/jobs: a cursor, also one of the other list', () =>
    refusesAll('/v1/jobs', 'cursor', [...CURSORS, encoded({ priority: 1, id: UUID })]));
  it('/v1/reviews: a cursor, also one of the other list', () =>
    refusesAll('/v1/reviews', 'cursor', [...CURSORS, encoded(UUID)]));
  it('/v1/decisions: a cursor, also one with a time that there is not', () =>
    refusesAll('/v1/decisions', 'cursor', [
      ...CURSORS,
      encoded({ priority: 1, id: UUID }),
      ...[
        '2026-02-30T09:00:00+00:00',
        '2025-02-29T09:00:00.123456+00:00',
        '0000-01-01T09:00:00+00:00',
        '0001-01-01T09:00:00+00:00',
        '2026-01-31T09:00:00+16:00',
        '2026-01-31T09:00:00-23:59',
        '9999-12-31T23:59:59-15:00',
        '2026-01-31T25:00:00+00:00',
        'infinity',
        'now',
      ].map((at) => encoded({ at, id: UUID })),
    ]));

  it.each([
    '/v1/jobs?limit=1&limit=2',
    '/v1/jobs?status=human&status=fail',
    `/v1/jobs?cursor=${encoded(UUID)}&cursor=${encoded(UUID)}`,
    '/v1/reviews?limit=1&limit=1',
    '/jobs?limit=1&limit=2',
    '/jobs?status=human&status=human',
    '/jobs?offset=1&offset=2',
    `/job?id=${UUID}&id=${UUID}`,
  ])('a parameter that is given twice: %s', async (path) => {
    const answer = await target.refuses(() => target.http.get(path), { status: 400 });
    expect(answer.body.detail ?? answer.body.message).toContain('more than once');
  });

  it.each([
    '/v1/jobs?offset=1',
    '/v1/jobs?LIMIT=1',
    '/v1/jobs?limit[]=1',
    '/v1/jobs?limit[$gt]=1',
    '/v1/jobs?__proto__=1',
    '/v1/jobs?constructor=1',
    `/v1/jobs?${MARKER}`,
    `/v1/jobs?=${MARKER}`,
    '/v1/reviews?status=human',
    `/v1/reviews?${'x'.repeat(5000)}=1`,
  ])('a parameter that /v1 does not know: %s', async (path) => {
    const answer = await target.refuses(() => target.http.get(path), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.detail).toContain('there is no such parameter');
    expect(answer.text.length).toBeLessThan(1000);
  });

  it.each(['/job', '/job?id=', '/job?ID=7'])('%s says that the id is missing', async (path) => {
    const answer = await target.refuses(() => target.http.get(path), { status: 400 });
    expect(answer.body.message).toContain('/job?id=');
  });

  it.each([
    ['PUT', '/v1/jobs', 'GET, HEAD, POST'],
    ['PATCH', '/v1/jobs/', 'GET, HEAD, POST'],
    ['PROPFIND', '/v1/%6aobs', 'GET, HEAD, POST'],
    ['DELETE', '/v1/jobs/{human}', 'GET, HEAD'],
    ['GET', '/v1/jobs/{human}/cancel', 'POST'],
    ['POST', '/v1/reviews', 'GET, HEAD'],
    ['PUT', '/v1/reviews/{human}/decision', 'DELETE, POST'],
    ['GET', '/v1/reviews/{human}/claim', 'DELETE, PUT'],
    ['GET', '/v1/reviews/claim-next', 'POST'],
    ['POST', '/v1/reviews/{human}/draft', 'DELETE, GET, HEAD, PUT'],
    ['POST', '/v1/jobs/{human}/history', 'GET, HEAD'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['DELETE', '/queue', 'GET, HEAD'],
    ['GET', '/enqueue?x', 'POST'],
    ['PUT', '/enqueue', 'POST'],
    ['GET', '//reviewJob', 'POST'],
    ['POST', '/job', 'GET, HEAD'],
    ['DELETE', '/job?id={human}', 'GET, HEAD'],
    ['POST', '/jobs/', 'GET, HEAD'],
    ['POST', '/liveness', 'GET, HEAD'],
  ])('%s %s is told the methods that there are', async (method, path, allow) => {
    const url = path.replace('{human}', target.human);
    const answer = await target.refuses(() => target.http.send(method, url), {
      status: 405,
      code: 'method_not_allowed',
    });
    expect(answer.headers.get('allow')).toBe(allow);
    expectForm(answer, /^\/+(enqueue|job|jobs|reviewJob|liveness)\/?(\?|$)/.test(path) ? path : '/v1/');
    const options = await target.http.send('OPTIONS', url);
    expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
    expect(options.headers.get('access-control-allow-methods')).toBeNull();
  });

  it('no address that the document names in full is taken for the parameter of another', async () => {
    const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const named = Object.entries(paths).filter(([path]) => !path.includes('{'));
    expect(named.length).toBeGreaterThan(10);
    for (const [path, operations] of named) {
      const has = Object.keys(operations).map((method) => method.toUpperCase());
      for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'].filter((each) => !has.includes(each))) {
        const { status, headers } = await target.http.send(method, path);
        expect([method, path, status]).toEqual([method, path, 405]);
        expect(headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(has));
      }
    }
  });

  it.each(['/v1/chat/completions', '/v1/responses', '/v1/models'])(
    "%s tells a wrong method in OpenAI's form",
    async (path) => {
      const { status, body, headers } = await target.http.send('PUT', path);
      expect([status, body.error.code]).toEqual([405, 'method_not_allowed']);
      expect(headers.get('allow')).toMatch(/^(POST|GET, HEAD)$/);
    },
  );

  it.each([
    ['GET', '/v1'],
    ['GET', '/v2/jobs'],
    ['GET', '/V1/jobs'],
    ['PUT', '/v1/nothing'],
    ['GET', '/v1/jobs;limit=1'],
    ['GET', `/${MARKER}`],
    ['GET', '/.env'],
    ['GET', '/docs/..%2f..%2f..%2fpackage.json'],
    ['GET', '/docs/%2e%2e/%2e%2e/package.json'],
  ])('%s %s leads nowhere', async (method, path) => {
    const url = path.replace('{human}', target.human);
    const answer = await target.refuses(() => target.http.send(method, url), {
      status: 404,
      code: 'not_found',
    });
    expectForm(answer, '/v1/');
    expect(answer.headers.get('allow')).toBeNull();
  });
});
