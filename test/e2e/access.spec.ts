import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@hitl/testing';

const ROLES = ['submitter', 'reviewer', 'lead', 'auditor', 'admin'] as const;
type Role = (typeof ROLES)[number];

/** Who may call each operation, written once more than in the code, by what the operations are for. */
const ALLOWED: Record<string, Role[]> = Object.fromEntries(
  (
    [
      [
        ['admin', 'submitter'],
        'submitJob cancelJob enqueue createChatCompletion createResponse cancelResponse createMessage',
      ],
      [
        ['admin', 'submitter', 'reviewer', 'lead', 'auditor'],
        'listJobs getJob listJobDeliveries getHistory followJob followAll getResponse listModels getModel job jobsOldestFirst getReviewer',
      ],
      [
        ['admin', 'reviewer', 'lead', 'auditor'],
        'listReviews getReview listReviewSummaries getReviewHistory getReviewChain readCurrentPolicy',
      ],
      [
        ['admin', 'reviewer', 'lead'],
        'claimNextReview claimReview releaseReview addNote viewReview leaveReview decideReviews decideReview undoDecision restoreRevision getDraft saveDraft deleteDraft reviewJob',
      ],
      [['admin', 'lead', 'auditor'], 'getStats listDecisions'],
      [['admin', 'auditor'], 'exportAudit'],
      [['admin', 'lead'], 'dryRunPolicy exportSft exportPreferences exportDecisions'],
      [
        ['admin'],
        'eraseJob createWebhookEndpoint listWebhookEndpoints deleteWebhookEndpoint rotateWebhookSecret pingWebhookEndpoint listWebhookDeliveries redeliverWebhook createKey listKeys revokeKey rotateKey',
      ],
    ] satisfies [Role[], string][]
  ).flatMap(([roles, operations]) => operations.split(' ').map((id): [string, Role[]] => [id, roles])),
);
const PUBLIC = ['liveness'];

interface Operation {
  operationId: string;
  security: Record<string, string[]>[];
}
const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};
const OPERATIONS = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    path,
    method: method.toUpperCase(),
  })),
);

const ADMIN = `hitl_${'a'.repeat(16)}_${'0'.repeat(64)}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('who may call what', () => {
  let stack: Stack;
  const keys: Record<string, string> = {};
  let waiting: string;

  async function create(owner: string, role: Role, project = 'default'): Promise<string> {
    const { status, body } = await stack.http.post('/v1/keys', { owner, role, project }, bearer(ADMIN));
    expect([status, body.detail]).toEqual([201, undefined]);
    return body.key;
  }

  /** The status of a call that asks for nothing that is there. */
  async function call(
    { method, path }: { method: string; path: string },
    headers: Record<string, string>,
    id: string = randomUUID(),
  ): Promise<{ status: number; code: unknown; headers: Headers }> {
    const given = path.startsWith('/v1/responses') ? `resp_${id}` : id;
    const url = path.replace('{id}', given).replace('{revision}', '1').replace('{deliveryId}', randomUUID());
    const hasBody = ['POST', 'PUT'].includes(method);
    const aborted = new AbortController();
    const answer = await fetch(`${stack.url}${url}${path === '/job' ? `?id=${id}` : ''}`, {
      method,
      headers: { ...headers, 'if-match': '"1"', ...(hasBody && { 'content-type': 'application/json' }) },
      ...(hasBody && { body: '{}' }),
      signal: aborted.signal,
    });
    // Streams do not end.
    const isStream = answer.headers.get('content-type')?.includes('event-stream');
    const text = isStream || method === 'HEAD' ? '' : await answer.text();
    aborted.abort();
    const body = text.startsWith('{') ? JSON.parse(text) : {};
    return { status: answer.status, code: body.code ?? body.error?.code, headers: answer.headers };
  }

  beforeAll(async () => {
    stack = await startStack('services', { AUTH_MODE: 'keys', BOOTSTRAP_ADMIN_KEY: ADMIN });
    keys.admin = ADMIN;
    for (const role of ROLES) keys[role] = await create(`${role}-1`, role);
    for (const role of ROLES) keys[`other ${role}`] = await create(`${role}-2`, role, 'other');
    for (const state of ['expired', 'revoked']) keys[state] = await create(state, 'admin');
    const idOf = (key: string | undefined): string => String(key?.split('_')[1]);
    await stack.database.query(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [idOf(keys.expired)]);
    expect((await stack.http.delete(`/v1/keys/${idOf(keys.revoked)}`, bearer(ADMIN))).status).toBe(204);
    const { body } = await stack.http.post('/v1/jobs', { payload: { input: 'x' } }, bearer(keys.submitter!));
    waiting = body.id;
  });

  afterAll(() => stack.stop());

  it('is said of every operation here, and of none besides', () => {
    const named = OPERATIONS.map(({ operationId }) => operationId).sort();
    expect([...Object.keys(ALLOWED), ...PUBLIC].sort()).toEqual(named);
  });

  it.each(OPERATIONS)('is asked at $method $path, of HEAD as of GET', async (operation) => {
    const { operationId, method, security } = operation;
    const isPublic = PUBLIC.includes(operationId);
    expect(security.length).toBe(isPublic ? 0 : 3);
    const strangers: Record<string, Record<string, string>> = {
      'no credential': {},
      'another scheme': { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` },
      'a bad key': bearer(ADMIN.replace(/0$/, '1')),
      'no key at all': { 'x-api-key': 'sk-1' },
      'an expired key': bearer(keys.expired!),
      'a revoked key': bearer(keys.revoked!),
      'a bad session': { cookie: 'hitl-session=x; __Host-hitl-session=x' },
    };
    const methods = method === 'GET' ? ['GET', 'HEAD'] : [method];
    for (const each of methods) {
      for (const [who, headers] of Object.entries(strangers)) {
        const { status, code, headers: told } = await call({ ...operation, method: each }, headers);
        expect([who, each, status === 401]).toEqual([who, each, !isPublic]);
        if (isPublic) continue;
        expect(told.get('www-authenticate')).toBe('Bearer realm="HITL"');
        const isOriginal = !operation.path.startsWith('/v1/');
        expect(code).toBe(each === 'HEAD' || isOriginal ? undefined : 'unauthenticated');
      }
      for (const role of ROLES) {
        const { status, code } = await call({ ...operation, method: each }, bearer(keys[role]!));
        const isLetIn = isPublic || ALLOWED[operationId]!.includes(role);
        expect([role, each, status === 401 || (status === 403 && code !== 'cross_origin')]).toEqual([
          role,
          each,
          !isLetIn,
        ]);
        expect(status).toBeLessThan(500);
      }
    }
  });

  it.each(OPERATIONS.filter(({ path }) => path.includes('{id}') && !path.startsWith('/v1/models')))(
    'ends at the project: $method $path',
    async (operation) => {
      for (const role of ALLOWED[operation.operationId]!) {
        const other = bearer(keys[`other ${role}`]!);
        const answer = await call(operation, other, waiting);
        const nothing = await call(operation, other);
        expect([role, answer.status, answer.code]).toEqual([role, nothing.status, nothing.code]);
      }
    },
  );

  it.each([
    '/',
    '/queue',
    '/docs',
    '/docs/swagger-ui.css',
    '/openapi.json',
    '/nothing',
    '/v1/%6aobs',
    '/v1/nothing',
  ])('is asked where no controller answers, too: %s', async (path) => {
    for (const method of ['GET', 'HEAD']) {
      expect((await stack.http.send(method, path)).status).toBe(401);
    }
    const { status, headers } = await stack.http.get(path, { accept: 'text/html,*/*' });
    expect([status, headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^(\.\.?\/)+sign-in\?next=/),
    ]);
  });

  it.each(['/health/live', '/health/ready', '/liveness', '/sign-in'])('is not asked at %s', async (path) => {
    expect((await stack.http.get(path)).status).toBe(200);
  });

  it('is told in the form of each door', async () => {
    const [problem, openAi, anthropic, original] = await Promise.all([
      stack.http.get('/v1/jobs'),
      stack.http.post('/v1/chat/completions', {}),
      stack.http.post('/v1/messages', {}),
      stack.http.post('/enqueue', {}),
    ]);
    expect(problem.body).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(openAi.body.error).toMatchObject({ code: 'unauthenticated', message: expect.any(String) });
    expect(openAi.headers.get('x-should-retry')).toBe('false');
    expect(anthropic.body).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(anthropic.headers.get('x-should-retry')).toBe('false');
    expect(original.body).toMatchObject({ status: 'error', message: expect.any(String) });
  });
});
