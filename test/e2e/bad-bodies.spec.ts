import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '@hitl/domain';
import { expectForm, MARKER, startTarget, type Target } from './refusals';

const deep = (levels: number, core: string): string => '['.repeat(levels) + core + ']'.repeat(levels);

/** Eight megabytes in pieces, without a length. */
function chunks(): ReadableStream<Uint8Array> {
  const piece = new TextEncoder().encode(`"${MARKER}",`.repeat(8000));
  let left = 64;
  return new ReadableStream({
    pull(controller) {
      left -= 1;
      if (left < 0) controller.close();
      else controller.enqueue(piece);
    },
  });
}

interface BadBody {
  what: string;
  body: () => unknown;
  status?: number;
  code: ErrorCode;
  detail: RegExp;
  /** Whether a model may be asked it, so that it is a good body where all of it is the payload. */
  isPayload?: true;
}

const BODIES: BadBody[] = [
  {
    what: 'no JSON',
    body: () => `{"a": ${MARKER}}`,
    code: 'invalid_json',
    detail: /not JSON/,
  },
  { what: 'cut JSON', body: () => `{"a": "${MARKER}`, code: 'invalid_json', detail: /not JSON/ },
  { what: 'a form', body: () => `payload=${MARKER}`, code: 'invalid_json', detail: /not JSON/ },
  { what: 'blanks only', body: () => ' \n ', code: 'invalid_json', detail: /not JSON/ },
  { what: 'empty', body: () => '', code: 'invalid_json', detail: /empty/ },
  {
    what: 'nested too deep',
    body: () => deep(128, `"${MARKER}"`),
    code: 'invalid_json',
    detail: /deeper than 127 levels/,
  },
  {
    what: 'nested so deep that recursion would end',
    body: () => deep(200_000, `"${MARKER}"`),
    code: 'invalid_json',
    detail: /deeper than 127 levels/,
  },
  {
    what: 'over 1 MiB',
    body: () => JSON.stringify({ payload: MARKER.repeat(800_000) }),
    status: 413,
    code: 'body_too_large',
    detail: /MAX_BODY_BYTES/,
  },
  {
    what: 'over 1 MiB without a length',
    body: chunks,
    status: 413,
    code: 'body_too_large',
    detail: /MAX_BODY_BYTES/,
  },
  {
    what: 'text with NUL',
    body: () => `{"a": ["${MARKER}\\u0000"]}`,
    code: 'invalid_json',
    detail: /"\/a\/0" has a NUL/,
    isPayload: true,
  },
  {
    what: 'a key with NUL',
    body: () => `{"${MARKER}\\u0000": 1}`,
    code: 'invalid_json',
    detail: /NUL/,
    isPayload: true,
  },
  {
    what: 'half a surrogate pair',
    body: () => `{"a": "${MARKER}\\ud800"}`,
    code: 'invalid_json',
    detail: /"\/a" has half a surrogate/,
    isPayload: true,
  },
  {
    what: 'invalid UTF-8',
    body: () =>
      Buffer.concat([Buffer.from(`{"a": "${MARKER}`), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    code: 'invalid_json',
    detail: /not valid UTF-8/,
  },
  {
    what: 'a key twice in one object',
    body: () => `{"a": [{"b": "${MARKER}", "\\u0062": 1}]}`,
    code: 'invalid_json',
    detail: /"\/a\/0\/b" is there twice/,
  },
  {
    what: 'a number beyond all numbers',
    body: () => `{"${MARKER}": -1e999}`,
    code: 'invalid_json',
    detail: /out of range/,
    isPayload: true,
  },
];

describe('a body that cannot be used', () => {
  let target: Target;

  beforeAll(async () => {
    target = await startTarget();
  });

  afterAll(() => target.survives());

  const ROUTES = [
    '/v1/jobs',
    '/v1/reviews/{human}/decision',
    '/v1/reviews/{human}/notes',
    '/v1/reviews/decisions',
    '/enqueue',
    '/reviewJob',
  ];
  describe.each(ROUTES)('%s', (route) => {
    const path = () => route.replace('{human}', target.human);

    const bad = BODIES.filter(({ isPayload }) => !isPayload || route !== '/enqueue');
    it.each(bad)('$what', async ({ body, status = 400, code, detail }) => {
      const answer = await target.refuses(() => target.http.post(path(), body()), { status, code });
      expectForm(answer, route);
      expect(answer.body.detail ?? answer.body.message).toMatch(detail);
      expect(answer.text).not.toContain('position');
    });
  });

  it.each(['close', 'keep-alive'])(
    'ten times too large is answered, not cut, with connection: %s',
    async (connection) => {
      for (const headers of [{ 'content-length': 10_485_760 }, {}]) {
        const status = await new Promise((resolve, reject) => {
          const sent = request(`${target.url}/v1/jobs`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', connection, ...headers },
          });
          sent.on('error', reject).on('response', (response) => {
            response.resume().on('end', () => resolve(response.statusCode));
          });
          sent.end(Buffer.alloc(10_485_760, ' '));
        });
        expect(status).toBe(413);
      }
    },
  );

  it.each<[unknown, string]>([
    [[{ payload: 1 }], ''],
    ['"payload"', ''],
    [null, ''],
    [7, ''],
    [{}, '/payload'],
    [{ payload: 1, [MARKER]: 1 }, `/${MARKER}`],
    [{ payload: 1, 'a/b~': MARKER }, '/a~1b~0'],
    [{ payload: 1, constructor: 1 }, '/constructor'],
    [{ payload: 1, id: MARKER }, '/id'],
    [{ payload: 1, status: 'success' }, '/status'],
    [{ payload: 1, priority: MARKER }, '/priority'],
    [{ payload: 1, priority: '1' }, '/priority'],
    [{ payload: 1, priority: 10 }, '/priority'],
    [{ payload: 1, priority: -1 }, '/priority'],
    [{ payload: 1, priority: 1.5 }, '/priority'],
    [{ payload: 1, priority: [1] }, '/priority'],
    [{ payload: 1, metadata: MARKER }, '/metadata'],
    [{ payload: 1, metadata: [MARKER] }, '/metadata'],
    [{ payload: 1, metadata: { a: 1 } }, '/metadata'],
    [{ payload: 1, metadata: { a: { b: MARKER } } }, '/metadata'],
    [{ payload: 1, metadata: { a: 'x'.repeat(1025) } }, '/metadata'],
    [{ payload: 1, metadata: { ['k'.repeat(65)]: MARKER } }, '/metadata'],
    [{ payload: 1, metadata: Object.fromEntries([...Array(65).keys()].map((i) => [i, 'x'])) }, '/metadata'],
  ])('/v1/jobs: the fields of %j', async (body, pointer) => {
    const answer = await target.refuses(() => target.http.post('/v1/jobs', body), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it.each<[unknown, string]>([
    [[], ''],
    [{ verdict: ['approve'] }, '/verdict'],
    [{ verdict: 'APPROVE' }, '/verdict'],
    [{ verdict: MARKER }, '/verdict'],
    [{ verdict: 'approve', actor: MARKER }, '/actor'],
    [{ verdict: 'approve', revision: 1 }, '/revision'],
    [{ verdict: 'regenerate', feedback: { text: MARKER } }, '/feedback'],
    [{ verdict: 'reject', reason: [MARKER] }, '/reason'],
    [{ verdict: 'reject', reason_code: MARKER }, '/reason_code'],
    [{ verdict: 'reject', submitter_message: '' }, '/submitter_message'],
    [{ verdict: 'approve', id: MARKER }, '/id'],
    [{ verdict: 'edit' }, '/response'],
    [{ verdict: 'edit', response: null }, '/response'],
    [{ verdict: 'approve', response: MARKER }, '/response'],
    [{ verdict: 'reject', response: MARKER }, '/response'],
    [{ verdict: 'regenerate', response: MARKER }, '/response'],
    [{ verdict: 'edit', response: 1, payload: 2 }, '/payload'],
    [{ verdict: 'approve', feedback: MARKER }, '/feedback'],
    [{ verdict: 'regenerate', feedback: '' }, '/feedback'],
    [{ verdict: 'regenerate', feedback: 'x'.repeat(10_001) }, '/feedback'],
    [{ verdict: 'reject', reason: 7 }, '/reason'],
    [{ verdict: 'approve', reason_code: 'other' }, '/reason_code'],
    [{ verdict: 'regenerate', submitter_message: MARKER }, '/submitter_message'],
    [{}, '/verdict'],
    [{ verdict: 'approve', comment: MARKER }, '/comment'],
  ])('/v1/reviews/{id}/decision: the fields of %j', async (body, pointer) => {
    const answer = await target.refuses(() => target.decide(target.human, body), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
    expect(answer.body.detail).toContain(pointer);
  });

  const ONE = { job_id: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e', revision: 1, verdict: 'approve' };
  it.each<[unknown, string]>([
    [[], ''],
    [{}, '/decisions'],
    [{ decisions: [] }, '/decisions'],
    [{ decisions: { 0: ONE } }, '/decisions'],
    [{ decisions: Array(201).fill(ONE) }, '/decisions'],
    [{ decisions: [ONE], dry: true }, '/dry'],
    [{ decisions: [ONE, MARKER] }, '/decisions/1'],
    [{ decisions: [ONE, null] }, '/decisions/1'],
    [{ decisions: [{ ...ONE, job_id: MARKER }] }, '/decisions/0/job_id'],
    [{ decisions: [ONE, { ...ONE, revision: undefined }] }, '/decisions/1/revision'],
    [{ decisions: [ONE, { ...ONE, revision: '1' }] }, '/decisions/1/revision'],
    [{ decisions: [ONE, { ...ONE, verdict: MARKER }] }, '/decisions/1/verdict'],
    [{ decisions: [ONE, { ...ONE, [MARKER]: 1 }] }, `/decisions/1/${MARKER}`],
    [{ decisions: [ONE, { ...ONE, feedback: MARKER }] }, '/decisions/1/feedback'],
    [{ decisions: [ONE, { ...ONE, verdict: 'edit' }] }, '/decisions/1/response'],
  ])('/v1/reviews/decisions: the fields of %#', async (body, pointer) => {
    const answer = await target.refuses(() => target.http.post('/v1/reviews/decisions', body), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it('many faults at once are told in part', async () => {
    const body = { decisions: Array(200).fill({}) };
    const { body: problem } = await target.http.post('/v1/reviews/decisions', body);
    expect(problem.errors).toHaveLength(20);
  });

  it.each<[unknown, string]>([
    [{}, '/text'],
    [{ text: '' }, '/text'],
    [{ text: [MARKER] }, '/text'],
    [{ text: 'x'.repeat(10_001) }, '/text'],
    [{ text: 'x', id: MARKER }, '/id'],
    [{ text: 'x', actor: MARKER }, '/actor'],
  ])('/v1/reviews/{id}/notes: the fields of %j', async (body, pointer) => {
    const answer = await target.refuses(() => target.http.post(`/v1/reviews/${target.human}/notes`, body), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it.each<[unknown, string]>([
    [{ content: 1 }, '/revision'],
    [{ revision: 1 }, '/content'],
    [{ revision: 0, content: 1 }, '/revision'],
    [{ revision: 2 ** 31, content: 1 }, '/revision'],
    [{ revision: 1, content: 1, actor: MARKER }, '/actor'],
  ])('/v1/reviews/{id}/draft: the fields of %j', async (body, pointer) => {
    const answer = await target.refuses(() => target.http.put(`/v1/reviews/${target.human}/draft`, body), {
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it.each<[unknown, RegExp]>([
    [[], /object with id and status/],
    [MARKER, /object with id and status/],
    [null, /object with id and status/],
    [{}, /"id" is missing/],
    [{ id: 7 }, /"id" is missing or no text/],
    [{ id: [MARKER], status: 'fail' }, /"id" is missing or no text/],
    [{ id: '{human}', status: MARKER }, /"status" is .* must be one of bot, human, success, fail/],
    [{ id: '{human}', status: 5 }, /"status" is/],
    [{ id: '{human}', status: null }, /"status" is/],
    [{ id: '{human}', status: ['fail'] }, /"status" is/],
  ])('/reviewJob: the fields of %j', async (body, message) => {
    const text = JSON.stringify(body).replace('{human}', target.human);
    const answer = await target.refuses(() => target.http.post('/reviewJob', text), { status: 400 });
    expect(answer.body.message).toMatch(message);
  });

  it('a cancellation, too, takes no garbage', async () => {
    await target.refuses(() => target.http.post(`/v1/jobs/${target.human}/cancel`, `{${MARKER}`), {
      status: 400,
      code: 'invalid_json',
    });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    ';;;',
    'application/jsonx',
  ])('/v1 takes no %s', async (type) => {
    const headers = { 'content-type': type };
    for (const path of ['/v1/jobs', `/v1/reviews/${target.human}/decision`, '/v1/reviews/decisions']) {
      await target.refuses(() => target.http.post(path, '{"payload": 1, "verdict": "approve"}', headers), {
        status: 415,
        code: 'unsupported_media_type',
      });
    }
  });

  it('what is just within the limits is taken', async () => {
    const payload = JSON.parse(deep(63, '"deep"')) as unknown;
    const { status, body } = await target.http.post('/v1/jobs', { payload });
    expect(status).toBe(202);
    expect((await target.reaches(body.id, 'human')).payload).toEqual(payload);
  });

  it('SQL and markup in every text are texts', async () => {
    const nasty = `'); DROP TABLE jobs; -- " \\ $1 %s {{7*7}} <script>alert(1)</script> \u0001\u007f \u202e`;
    const payload = { [nasty]: nasty, list: [nasty] };
    const { id } = await target.submit(payload, { metadata: { "';--": nasty } });
    expect(await target.reaches(id, 'human')).toMatchObject({ payload, metadata: { "';--": nasty } });
    await target.decide(id, { verdict: 'regenerate', feedback: nasty });
    await target.reaches(id, 'human');
    expect(target.stub.requests.at(-1)!.body).toMatchObject({ ...payload, feedback: nasty });
    const { body } = await target.decide(id, { verdict: 'reject', submitter_message: nasty });
    expect(body.failure).toEqual({ reason: 'rejected', detail: nasty });
  });
});
