import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runService, startStack, until, WAYS, type Answer, type Stack } from '@hitl/testing';

const ADMIN = `hitl_${'a'.repeat(16)}_${'0'.repeat(64)}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const idOf = (key: string): string => key.split('_')[1]!;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe.each(WAYS)('API keys: $name', ({ way }) => {
  let stack: Stack;
  /** Every secret that a client has seen. */
  const secrets: string[] = [ADMIN];

  beforeAll(async () => {
    stack = await startStack(way, { AUTH_MODE: 'keys', BOOTSTRAP_ADMIN_KEY: ADMIN, LOG_LEVEL: 'debug' });
  });

  afterAll(() => stack.stop());

  async function create(body: object): Promise<string> {
    const answer = await stack.http.post('/v1/keys', body, bearer(ADMIN));
    expect([answer.status, answer.body.detail]).toEqual([201, undefined]);
    secrets.push(answer.body.key);
    return answer.body.key;
  }

  const whoIs = async (key: string): Promise<Answer> => stack.http.get('/v1/reviewer', bearer(key));

  /** Signs a browser in. @returns the cookie that it sends from then on */
  async function signIn(key: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await stack.http.post('/sign-in', new URLSearchParams({ key, next: 'queue' }).toString(), {
      ...FORM,
      origin: stack.url,
      ...headers,
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, './queue']);
    const [cookie = ''] = answer.headers.get('set-cookie')!.split(';');
    secrets.push(cookie.split('=')[1]!);
    return cookie;
  }

  it('say who calls and what they may do, as Bearer and as x-api-key', async () => {
    const key = await create({ owner: 'ann', role: 'lead', project: 'shop', scopes: ['reviews:read'] });
    const expected = {
      name: 'ann',
      may_choose: false,
      project: 'shop',
      roles: ['lead'],
      permissions: ['reviews:read'],
      signed_in_by: 'key',
      open_to_network: false,
    };
    expect((await whoIs(key)).body).toEqual(expected);
    expect((await stack.http.get('/v1/reviewer', { 'x-api-key': key })).body).toEqual(expected);
    const { status, body } = await stack.http.get('/v1/jobs', bearer(key));
    expect([status, body.code]).toEqual([403, 'forbidden']);
  });

  it.each([
    [{ owner: 'worker' }, '/owner'],
    [{ owner: 'policy:x' }, '/owner'],
    [{ project: 'A b' }, '/project'],
    [{ project: '' }, '/project'],
    [{ role: 'root' }, '/role'],
    [{ scopes: ['all'] }, '/scopes'],
    [{ scopes: [] }, '/scopes'],
    [{ expires_in_days: 0 }, '/expires_in_days'],
  ])('are not made of %j', async (fields, pointer) => {
    const wanted = { owner: 'ann', role: 'reviewer', ...fields };
    const { status, body } = await stack.http.post('/v1/keys', wanted, bearer(ADMIN));
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it('give nobody more than their maker has', async () => {
    const narrow = await create({ owner: 'ann', role: 'admin', scopes: ['keys:write', 'jobs:read'] });
    const wide = await stack.http.post('/v1/keys', { owner: 'bob', role: 'submitter' }, bearer(narrow));
    expect([wide.status, wide.body.detail]).toEqual([403, expect.stringContaining('jobs:write')]);
    const same = { owner: 'bob', role: 'submitter', scopes: ['jobs:read'] };
    expect((await stack.http.post('/v1/keys', same, bearer(narrow))).status).toBe(201);
  });

  it('are listed without their texts, with their last use', async () => {
    const key = await create({ owner: 'ann', role: 'auditor', expires_in_days: 1 });
    await whoIs(key);
    const { body, text } = await stack.http.get('/v1/keys', bearer(ADMIN));
    expect(body.data.find(({ id }: { id: string }) => id === idOf(key))).toMatchObject({
      state: 'active',
      owner: 'ann',
      created_by: 'admin',
      revoked_at: null,
    });
    for (const secret of secrets) expect(text).not.toContain(secret.slice(-40));
  });

  it('are replaced with an overlap, by one that ends as late after it was made', async () => {
    const key = await create({ owner: 'ann', role: 'reviewer', expires_in_days: 30 });
    const rotate = (hours: number) =>
      stack.http.post(`/v1/keys/${idOf(key)}/rotate`, { overlap_hours: hours }, bearer(ADMIN));
    const { status, body } = await rotate(1);
    secrets.push(body.key);
    expect([status, body.owner, body.role]).toEqual([201, 'ann', 'reviewer']);
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    for (const each of [key, body.key]) expect((await whoIs(each)).status).toBe(200);
    expect((await rotate(1)).status).toBe(404);
  });

  it('are refused within seconds once they are revoked, and what they have open ends', async () => {
    const key = await create({ owner: 'ann', role: 'reviewer' });
    const cookie = await signIn(key);
    const streams = await Promise.all([
      fetch(`${stack.url}/v1/events`, { headers: bearer(key) }),
      fetch(`${stack.url}/v1/events`, { headers: { cookie } }),
    ]);
    expect(streams.map(({ status }) => status)).toEqual([200, 200]);
    const ended = Promise.all(
      streams.map((stream) =>
        stream.text().then(
          () => 'ended',
          () => 'cut',
        ),
      ),
    );
    expect((await stack.http.delete(`/v1/keys/${idOf(key)}`, bearer(ADMIN))).status).toBe(204);
    await until('it is refused', async () => (await whoIs(key)).status === 401);
    expect((await whoIs(key)).body.detail).toMatch(/was revoked at/);
    expect((await stack.http.get('/v1/reviewer', { cookie })).status).toBe(401);
    expect(await ended).toEqual([expect.stringMatching(/ended|cut/), expect.stringMatching(/ended|cut/)]);
  });

  it('are refused in an address, and not repeated', async () => {
    for (const path of [`/v1/jobs?api_key=${ADMIN}`, `/${ADMIN}`]) {
      const { status, text } = await stack.http.get(path, bearer(ADMIN));
      expect([status, text]).toEqual([400, expect.stringContaining('in the address')]);
      expect(text).not.toContain(ADMIN);
    }
  });

  it('take no other name', async () => {
    const { status, body } = await stack.http.get('/v1/reviewer', {
      ...bearer(ADMIN),
      'x-hitl-actor': 'bob',
    });
    expect([status, body.errors[0].pointer]).toEqual([400, 'x-hitl-actor']);
  });

  it('sign a browser in and out', async () => {
    const key = await create({ owner: 'ann', role: 'reviewer' });
    const page = await stack.http.get('/sign-in?next=%22%3E%3Cscript%3E');
    expect(page.text).toContain('name="key"');
    expect(page.text).not.toContain('<script>');
    const cookie = await signIn(key);
    const { body } = await stack.http.get('/v1/reviewer', { cookie });
    expect([body.name, body.signed_in_by]).toEqual(['ann', 'session']);
    const out = await stack.http.post('/sign-out', undefined, { cookie, origin: stack.url });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await stack.http.get('/v1/reviewer', { cookie })).status).toBe(401);
  });

  it('give each sign-in a session of its own, whatever cookie the browser had', async () => {
    const key = await create({ owner: 'ann', role: 'reviewer' });
    const first = await signIn(key, { cookie: 'hitl-session=planted' });
    const second = await signIn(key, { cookie: first });
    expect(new Set([first, second, 'hitl-session=planted']).size).toBe(3);
  });

  it('are not taken from the form of another site, nor is a change with a session', async () => {
    const cookie = await signIn(ADMIN);
    const attempts: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'none' },
      {},
    ];
    for (const headers of attempts) {
      const change = await stack.http.post('/v1/keys', { owner: 'x', role: 'admin' }, { cookie, ...headers });
      expect([headers, change.status, change.body.code]).toEqual([headers, 403, 'cross_origin']);
    }
    const form = await stack.http.post('/sign-in', `key=${ADMIN}`, {
      ...FORM,
      origin: 'https://evil.example',
    });
    expect([form.status, form.headers.get('set-cookie')]).toEqual([403, null]);
    const own = await stack.http.post(
      '/v1/keys',
      { owner: 'x', role: 'auditor' },
      { cookie, origin: stack.url },
    );
    expect(own.status).toBe(201);
  });

  it('sign nobody in with a bad one, nor lead them elsewhere', async () => {
    const bad = await stack.http.post('/sign-in', 'key=hitl_x', { ...FORM, origin: stack.url });
    expect([bad.status, bad.text]).toEqual([401, expect.stringContaining('There is no such API key.')]);
    const next = new URLSearchParams({ key: ADMIN, next: '//evil.example/' }).toString();
    const led = await stack.http.post('/sign-in', next, { ...FORM, origin: stack.url });
    expect(new URL(led.headers.get('location')!, `${stack.url}/sign-in`).origin).toBe(stack.url);
  });

  it('that do not fit what was kept of them are logged by their id, with what may be wrong', async () => {
    const otherSecret = `${ADMIN.slice(0, -64)}${'f'.repeat(64)}`;
    const sent = await stack.http.get('/v1/jobs', { authorization: `Bearer ${otherSecret}` });
    expect(sent.status).toBe(401);
    const line = await until('the log says so', () =>
      stack.processes.flatMap(({ logs }) => logs).find((text) => text.includes('whose secret does not fit')),
    );
    expect(line).toContain(ADMIN.split('_')[1]);
    expect(line).not.toContain('f'.repeat(64));
  });

  it('and their sessions travel by HTTPS alone beyond this machine', async () => {
    const form = `key=${ADMIN}`;
    const far = { ...FORM, 'x-forwarded-host': 'desk.example', 'sec-fetch-site': 'same-origin' };
    const plain = await stack.http.post('/sign-in', form, far);
    expect([plain.status, plain.text]).toEqual([400, expect.stringContaining('Use HTTPS')]);
    const secure = await stack.http.post('/sign-in', form, { ...far, 'x-forwarded-proto': 'https' });
    expect([secure.status, secure.headers.get('set-cookie')]).toEqual([
      303,
      expect.stringMatching(
        /^__Host-hitl-session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
  });

  it('show a submitter the response on no route before it is approved', async () => {
    const submitter = bearer(await create({ owner: 'shop', role: 'submitter' }));
    const reviewer = bearer(await create({ owner: 'bob', role: 'reviewer' }));
    const { id } = (await stack.http.post('/v1/jobs', { payload: { input: 'x' } }, submitter)).body;
    await until(
      'it waits',
      async () => (await stack.http.get(`/v1/jobs/${id}`, submitter)).body.status === 'human',
    );
    const seen = async (headers: Record<string, string>) =>
      [
        (await stack.http.get(`/job?id=${id}`, headers)).body.response,
        (await stack.http.get(`/jobs?status=human`, headers)).body[0].response,
        (await stack.http.get(`/v1/jobs/${id}`, headers)).body.response,
      ].map((response) => response !== null);
    expect(await seen(submitter)).toEqual([false, false, false]);
    expect(await seen(reviewer)).toEqual([true, true, false]);
    expect((await stack.http.post('/reviewJob', { id, status: 'success' }, submitter)).status).toBe(403);
    expect((await stack.http.post('/reviewJob', { id, status: 'success' }, reviewer)).status).toBe(200);
    expect(await seen(submitter).catch(() => 'gone')).toBe('gone');
    expect((await stack.http.get(`/job?id=${id}`, submitter)).body.response).not.toBeNull();
  });

  it('let nobody decide on what they have submitted, by whichever of their keys', async () => {
    const submitter = bearer(await create({ owner: 'eve', role: 'submitter' }));
    const reviewer = bearer(await create({ owner: 'eve', role: 'lead' }));
    const { id } = (await stack.http.post('/v1/jobs', { payload: { input: 'x' } }, submitter)).body;
    await until(
      'it waits',
      async () => (await stack.http.get(`/v1/jobs/${id}`, submitter)).body.status === 'human',
    );
    const { body: review } = await stack.http.get(`/v1/reviews/${id}`, reviewer);
    expect(review.not_decidable_because).toBe('four_eyes');
    const decide = (headers: Record<string, string>) =>
      stack.http.post(
        `/v1/reviews/${id}/decision`,
        { verdict: 'approve' },
        { ...headers, 'if-match': '"1"' },
      );
    expect((await decide(reviewer)).body.code).toBe('own_submission');
    expect((await decide(bearer(ADMIN))).status).toBe(200);
  });

  it('stand in no log', async () => {
    const { body } = await stack.http.get('/v1/keys', bearer(ADMIN));
    expect(body.data.length).toBeGreaterThan(5);
    const logs = stack.processes.flatMap((process) => process.logs).join('\n');
    expect(logs.includes('"message":"request"')).toBe(true);
    for (const secret of secrets) expect(logs.includes(secret.slice(-40))).toBe(false);
  });
});

describe('ORIGINAL_API=off', () => {
  it('takes the original routes away, from the description, too', async () => {
    const stack = await startStack('standalone', { ORIGINAL_API: 'off' });
    try {
      for (const path of ['/job?id=1', '/jobs']) expect((await stack.http.get(path)).status).toBe(404);
      for (const path of ['/enqueue', '/reviewJob']) {
        expect((await stack.http.post(path, {})).status).toBe(404);
      }
      expect((await stack.http.get('/liveness')).text).toBe('ok');
      const { body } = await stack.http.get('/openapi.json');
      expect(Object.keys(body.paths).filter((path) => !path.startsWith('/v1/'))).toEqual(['/liveness']);
    } finally {
      await stack.stop();
    }
  });
});

describe('npm run hitl -- keys', () => {
  it('makes, lists, replaces and ends keys that the gateway takes', async () => {
    const stack = await startStack('services', { AUTH_MODE: 'keys' });
    try {
      const env = { DATABASE_URL: stack.database.url };
      const hitl = (...args: string[]) => runService('cli', ['keys', ...args], env);
      expect(stack.processes[0]!.logs.join('\n')).toContain(
        'Nobody can sign in yet. Create the first key: npm run hitl',
      );
      const made = await hitl('create', '--owner', 'ann', '--role', 'admin', '--days', '30');
      expect(made.code).toBe(0);
      const key = made.stdout.trim();
      expect((await stack.http.get('/v1/reviewer', bearer(key))).body).toMatchObject({ name: 'ann' });
      const replaced = await hitl('rotate', idOf(key), '--overlap', '0');
      const other = replaced.stdout.trim();
      expect((await stack.http.get('/v1/reviewer', bearer(other))).status).toBe(200);
      await until(
        'the old one has ended',
        async () => (await stack.http.get('/v1/reviewer', bearer(key))).status === 401,
      );
      expect((await hitl('revoke', `hitl_${idOf(other)}`)).code).toBe(0);
      expect((await hitl('revoke', 'f'.repeat(16))).code).toBe(1);
      await until(
        'it is refused',
        async () => (await stack.http.get('/v1/reviewer', bearer(other))).status === 401,
      );
      const { stdout } = await hitl('list');
      expect(stdout.split('\n').filter(Boolean)).toEqual([
        expect.stringMatching(/^hitl_[0-9a-f]{16} {2}(revoked|expired) {2}admin of default: ann, created /),
        expect.stringMatching(/^hitl_[0-9a-f]{16} {2}(revoked|expired) {2}admin of default: ann, created /),
      ]);
      expect((await hitl('create', '--owner', 'ann', '--role', 'root')).code).toBe(2);
    } finally {
      await stack.stop();
    }
  });
});
