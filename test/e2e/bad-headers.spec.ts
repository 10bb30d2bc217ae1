import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendRaw } from '@hitl/testing';
import { MARKER, startTarget, type Target } from './refusals';

const BODY = `{"payload": "${MARKER}"}`;
const JSON_TYPE = 'content-type: application/json';
const length = `content-length: ${BODY.length}`;

/** A request as text, line by line. */
const lines = (...parts: string[]): string => parts.join('\r\n');

describe('headers and requests that are not as they should be', () => {
  let target: Target;

  beforeAll(async () => {
    target = await startTarget();
  });

  afterAll(() => target.survives());

  it.each<[string, number, string]>([
    ['no HTTP at all', 400, `${MARKER}\r\n\r\n`],
    ['TLS', 400, `\x16\x03\x01\x02${MARKER}\r\n\r\n`],
    ['an unknown method', 400, lines(`${MARKER} /v1/jobs HTTP/1.1`, 'host: localhost', '', '')],
    ['a header without a colon', 400, lines('GET /v1/jobs HTTP/1.1', 'host: localhost', MARKER, '', '')],
    [
      'a header with an escape sequence',
      400,
      lines('GET /v1/jobs HTTP/1.1', 'host: localhost', `x-hitl-actor: \x1b[31m${MARKER}`, '', ''),
    ],
    [
      'a header with NUL',
      400,
      lines('GET /v1/jobs HTTP/1.1', 'host: localhost', `x-request-id: ${MARKER}\0`, '', ''),
    ],
    [
      'a header with a bare line feed',
      400,
      lines('GET /v1/jobs HTTP/1.1', 'host: localhost', `x-request-id: a\n${MARKER}`, '', ''),
    ],
    [
      'headers beyond 16 KiB',
      431,
      lines('GET /v1/jobs HTTP/1.1', 'host: localhost', `x-a: ${MARKER.repeat(2000)}`, '', ''),
    ],
    [
      'an address beyond 16 KiB',
      431,
      lines(`GET /v1/jobs?${MARKER.repeat(2000)} HTTP/1.1`, 'host: localhost', '', ''),
    ],
    [
      'a % out of place',
      400,
      lines(`GET /v1/jobs/%${MARKER} HTTP/1.1`, 'host: localhost', 'connection: close', '', ''),
    ],
    [
      'an address that is no UTF-8',
      400,
      lines(`GET /v1/jobs/%ff${MARKER} HTTP/1.1`, 'host: localhost', 'connection: close', '', ''),
    ],
    [
      'an expectation',
      417,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', JSON_TYPE, length, `expect: ${MARKER}`, '', BODY),
    ],
    [
      'a body shorter than its length',
      400,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', JSON_TYPE, 'content-length: 500', '', BODY),
    ],
    [
      'a body longer than its length',
      400,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', JSON_TYPE, 'content-length: 5', '', BODY),
    ],
    [
      'a negative length',
      400,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', JSON_TYPE, 'content-length: -1', '', BODY),
    ],
    [
      'a length that is a word',
      400,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', JSON_TYPE, `content-length: ${MARKER}`, '', BODY),
    ],
    [
      'a length of a terabyte',
      413,
      lines(
        'POST /v1/jobs HTTP/1.1',
        'host: localhost',
        JSON_TYPE,
        'content-length: 1099511627776',
        '',
        BODY,
      ),
    ],
    [
      'two lengths',
      400,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', JSON_TYPE, length, 'content-length: 3', '', BODY),
    ],
    [
      'a length and chunks',
      400,
      lines(
        'POST /v1/jobs HTTP/1.1',
        'host: localhost',
        JSON_TYPE,
        length,
        'transfer-encoding: chunked',
        '',
        BODY,
      ),
    ],
    [
      'a chunk without a size',
      400,
      lines(
        'POST /v1/jobs HTTP/1.1',
        'host: localhost',
        JSON_TYPE,
        'transfer-encoding: chunked',
        '',
        MARKER,
        BODY,
        '0',
        '',
        '',
      ),
    ],
    [
      'an unfinished chunk',
      400,
      lines(
        'POST /v1/jobs HTTP/1.1',
        'host: localhost',
        JSON_TYPE,
        'transfer-encoding: chunked',
        '',
        'ff',
        BODY,
      ),
    ],
    [
      'a content type behind an encoded path',
      415,
      lines(
        'POST /%761/jobs HTTP/1.1',
        'host: localhost',
        'content-type: text/plain',
        length,
        'connection: close',
        '',
        BODY,
      ),
    ],
    [
      'a content type behind an absolute address',
      415,
      lines(
        'POST http://x/v1/jobs HTTP/1.1',
        'host: localhost',
        'content-type: text/plain',
        length,
        'connection: close',
        '',
        BODY,
      ),
    ],
    [
      'no content type',
      415,
      lines('POST /v1/jobs HTTP/1.1', 'host: localhost', length, 'connection: close', '', BODY),
    ],
  ])('%s: %i', async (_what, status, request) => {
    const answer = await target.refuses(() => sendRaw(target.url, request), { status });
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  });

  it.each([
    'http://evil.example',
    'null',
    'https://{host}.evil.example',
    'http://evil.example:{port}',
    MARKER,
  ])('the origin %s may change nothing', async (template) => {
    const { host, port } = new URL(target.url);
    const origin = template.replace('{host}', host).replace('{port}', port);
    const headers = { origin };
    const expected = { status: 403, code: 'cross_origin' } as const;
    const { http, human } = target;
    await target.refuses(() => http.post('/v1/jobs', { payload: 1 }, headers), expected);
    await target.refuses(() => http.post(`/v1/jobs/${human}/cancel`, undefined, headers), expected);
    await target.refuses(() => target.decide(human, { verdict: 'approve' }, headers), expected);
    const review = `/v1/reviews/${human}`;
    await target.refuses(() => http.post('/v1/reviews/claim-next', undefined, headers), expected);
    await target.refuses(() => http.post('/v1/reviews/decisions', {}, headers), expected);
    await target.refuses(() => http.post(`${review}/notes`, { text: 'x' }, headers), expected);
    await target.refuses(() => http.put(`${review}/claim`, undefined, headers), expected);
    await target.refuses(() => http.put(`${review}/draft`, { revision: 1, content: 1 }, headers), expected);
    for (const path of ['claim', 'decision', 'draft']) {
      await target.refuses(() => http.delete(`${review}/${path}`, headers), expected);
    }
    await target.refuses(() => http.post('/enqueue', { input: 1 }, headers), expected);
    await target.refuses(() => http.post('/reviewJob', { id: human, status: 'success' }, headers), expected);
  });

  it('the own origin may', async () => {
    const { status } = await target.http.post('/v1/jobs', { payload: 1 }, { origin: target.url });
    expect(status).toBe(202);
  });

  it('a request id of its own is used when it is one', async () => {
    const { headers } = await target.http.get('/v1/jobs', { 'x-request-id': 'order-4711.a:b_c' });
    expect(headers.get('x-request-id')).toBe('order-4711.a:b_c');
  });

  it.each([`${MARKER} with blanks`, 'x'.repeat(129), `<${MARKER}>`, `${MARKER}ü`, '${jndi:ldap}', ' '])(
    'the request id %j is replaced',
    async (id) => {
      const { status, headers, text } = await target.http.get(`/v1/jobs/x`, { 'x-request-id': id });
      expect(status).toBe(404);
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(text).not.toContain(MARKER);
    },
  );

  it.each([
    'x'.repeat(129),
    '',
    `${MARKER}\tx`,
    `${MARKER}%00`,
    `${MARKER}%`,
    '%zz',
    '%C3',
    'Jos\u00e9',
    '%E2%80%AEana',
    'worker',
    'Desk',
    'policy:small talk',
  ])('the actor %j is refused, not replaced', async (actor) => {
    const headers = { 'x-hitl-actor': actor };
    const expected = { status: 400, code: 'invalid_request' } as const;
    const { human } = target;
    const answer = await target.refuses(
      () => target.http.post(`/v1/jobs/${human}/cancel`, undefined, headers),
      expected,
    );
    expect(answer.body.errors).toEqual([{ pointer: 'x-hitl-actor', detail: expect.any(String) }]);
    await target.refuses(() => target.http.get('/v1/reviewer', headers), expected);
    await target.refuses(() => target.http.post('/enqueue', { input: 1 }, headers), { status: 400 });
  });

  it.each([encodeURI('\u202ezoë'), Buffer.from('\u202ezoë').toString('latin1')])(
    'the refusal of an actor repeats it as it was meant, and writes out what would turn it: %j',
    async (actor) => {
      const { body } = await target.http.get('/v1/reviewer', {
        'x-hitl-actor': actor,
      });
      expect(body.detail).toContain('"⟦U+202E⟧zoë" is not a name');
    },
  );

  it.each([
    MARKER,
    `"${MARKER}"`,
    '1',
    '"1',
    'W/1',
    'w"1"',
    '"1-x"',
    '"1","2"',
    '"1", "2"',
    '""',
    '"x"',
    '"-1"',
    '"1.5"',
    '"9999999999"',
    '"99999999999999999999"',
    '\u00ff',
    ',',
  ])('If-Match: %s', async (etag) => {
    const headers = { 'if-match': etag };
    const answer = await target.refuses(() => target.decide(target.human, { verdict: 'approve' }, headers), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toEqual([{ pointer: 'If-Match', detail: expect.any(String) }]);
  });

  it.each([';;;', MARKER, '*/*', 'text/plain; charset=utf-16', 'application/json; charset=latin1', ''])(
    'the original routes take the content type %j, as they always did',
    async (type) => {
      const headers = { 'content-type': type };
      const { status, body } = await target.http.post('/enqueue', '{"input": 1}', headers);
      expect([status, body]).toEqual([200, { status: 'success', job_id: expect.any(String) }]);
    },
  );

  it.each(['nonsense/;;q=9', 'text/html', '', MARKER, 'x'.repeat(8000)])(
    'whatever is accepted (%s), the answer is JSON',
    async (accept) => {
      const { status, headers } = await target.http.get('/v1/jobs', { accept });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    },
  );
});
