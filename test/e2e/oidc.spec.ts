import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createTestDatabase,
  startStack,
  until,
  type Answer,
  type Stack,
  type TestDatabase,
} from '@hitl/testing';
import { SignJWT } from 'jose';
import { startSignInProvider, type SignInProvider } from './sign-in-provider';

const ADMIN = `hitl_${'a'.repeat(16)}_${'0'.repeat(64)}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const GROUPS = {
  staff: { role: 'reviewer' },
  'staff-seniors': { groups: ['seniors'] },
  shops: { role: 'submitter', project: 'shop' },
};
const POLICY = `version: 1
groups: { seniors: [] }
defaults: { group: seniors }
rules: []
`;

/** Cookies as a browser keeps them. */
class Jar {
  private readonly cookies = new Map<string, string>();

  keep(answer: Response | Answer): void {
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  get session(): string {
    return `hitl-session=${this.cookies.get('hitl-session')}`;
  }
}

describe('signing in at an OpenID provider', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-oidc-'));
  let provider: SignInProvider;
  let database: TestDatabase;
  let stack: Stack;
  const secrets: string[] = [];

  beforeAll(async () => {
    writeFileSync(join(folder, 'policy.yaml'), POLICY);
    [provider, database] = await Promise.all([startSignInProvider(), createTestDatabase()]);
    stack = await startStack('standalone', {
      ...provider.env,
      DATABASE_URL: database.url,
      AUTH_MODE: 'oidc',
      BOOTSTRAP_ADMIN_KEY: ADMIN,
      OIDC_GROUPS: JSON.stringify(GROUPS),
      OIDC_RECHECK_MS: '1000',
      REVIEW_POLICY_FILE: join(folder, 'policy.yaml'),
      LOG_LEVEL: 'debug',
    });
    Object.assign(provider.groups, {
      'id-ann': ['staff', 'staff-seniors'],
      'id-bob': ['staff'],
      'id-eve': ['others'],
    });
  });

  afterAll(async () => {
    await stack.stop();
    await provider.close();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const get = (path: string, cookie: string) => stack.http.get(path, { cookie });
  const whoIs = (cookie: string) => get('/v1/reviewer', cookie);

  /** Goes to the provider and signs in there. @returns the address to which it sends the browser back */
  async function goTo(jar: Jar, name: string, next = 'queue'): Promise<string> {
    const start = await get(`/sign-in/start?next=${encodeURIComponent(next)}`, jar.cookie);
    expect(start.status).toBe(303);
    jar.keep(start);
    const there = new Jar();
    let url = start.headers.get('location')!;
    while (!url.startsWith(stack.url)) {
      const asks = url.includes('/interaction/');
      const answer = await fetch(url, {
        redirect: 'manual',
        headers: { cookie: there.cookie, ...(asks && FORM) },
        ...(asks && { method: 'POST', body: new URLSearchParams({ name }) }),
      });
      there.keep(answer);
      expect([url, answer.status]).toEqual([url, 303]);
      url = new URL(answer.headers.get('location')!, url).href;
    }
    jars.set(jar, there);
    return url.slice(stack.url.length);
  }
  const jars = new Map<Jar, Jar>();

  async function signIn(name: string, jar = new Jar(), next?: string): Promise<Answer> {
    const back = await get(await goTo(jar, name, next), jar.cookie);
    jar.keep(back);
    secrets.push(jar.session);
    return back;
  }

  async function signedIn(name: string): Promise<Jar> {
    const jar = new Jar();
    expect((await signIn(name, jar)).status).toBe(303);
    return jar;
  }

  it('waits for a provider that is away, and says so meanwhile', async () => {
    const away = await stack.http.get('/sign-in/start');
    expect([away.status, away.text]).toEqual([503, expect.stringContaining('is away')]);
    const token = await provider.token({ sub: 'id-ann', groups: ['staff'] });
    expect((await stack.http.get('/v1/reviewer', bearer(token))).status).toBe(503);
    await provider.open(stack.url);
    await until('it is found again', async () => (await stack.http.get('/sign-in/start')).status === 303);
  });

  it('gives a session with the name and the roles that the provider says, and leads back', async () => {
    const jar = new Jar();
    const back = await signIn('id-ann', jar, 'review/7?x=1');
    expect([back.status, back.headers.get('location')]).toEqual([303, '../review/7?x=1']);
    expect(back.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^hitl-sign-in=; Max-Age=0/),
      expect.stringMatching(/^hitl-session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect((await whoIs(jar.session)).body).toMatchObject({
      name: 'ann',
      project: 'default',
      roles: ['reviewer'],
      signed_in_by: 'session',
    });
  });

  it('asks for a code with PKCE, a state and a nonce, and keeps them in a cookie that nobody can read', async () => {
    const start = await stack.http.get('/sign-in/start?next=queue');
    const { searchParams } = new URL(start.headers.get('location')!);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: `${stack.url}/sign-in/callback`,
    });
    const [cookie = ''] = start.headers.getSetCookie();
    expect(cookie).toMatch(/^hitl-sign-in=[\w.-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    const parts = cookie
      .split(/[=;]/)[1]!
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString());
    expect(parts.join()).not.toContain(searchParams.get('nonce'));
  });

  it('names a person once, by their subject, and never as another person or the owner of a key', async () => {
    provider.groups['ann'] = ['staff'];
    const other = await signedIn('ann');
    expect((await whoIs(other.session)).body.name).toMatch(/^ann \([0-9a-f]{16}\)$/);
    provider.groups['id-admin'] = ['staff'];
    expect((await whoIs((await signedIn('id-admin')).session)).body.name).toMatch(/^admin \(/);
    const again = await whoIs((await signedIn('ann')).session);
    expect(again.body.name).toBe((await whoIs(other.session)).body.name);
  });

  it('lets nobody in without a role here, and sets no cookie', async () => {
    const jar = new Jar();
    const { status, text } = await signIn('id-eve', jar);
    expect([status, text]).toEqual([403, expect.stringContaining('none of your groups')]);
    expect(jar.cookie).toBe('');
  });

  it('gives the project of the group', async () => {
    provider.groups['id-shop'] = ['shops', 'staff-seniors'];
    const { body } = await whoIs((await signedIn('id-shop')).session);
    expect(body).toMatchObject({ project: 'shop', roles: ['submitter'] });
  });

  it('takes an administrator’s key, for emergencies, and no other', async () => {
    expect((await stack.http.get('/v1/reviewer', bearer(ADMIN))).status).toBe(200);
    const made = await stack.http.post('/v1/keys', { owner: 'tim', role: 'reviewer' }, bearer(ADMIN));
    const refused = await stack.http.get('/v1/reviewer', bearer(made.body.key));
    expect([refused.status, refused.body.detail]).toEqual([401, expect.stringContaining('AUTH_MODE=oidc')]);
    const page = await stack.http.post('/sign-in', `key=${ADMIN}`, { ...FORM, origin: stack.url });
    expect(page.status).toBe(303);
  });

  it('refuses a way back that was not begun in this browser, was changed, or comes twice', async () => {
    const jar = new Jar();
    const path = await goTo(jar, 'id-ann');
    const other = new Jar();
    await goTo(other, 'id-bob');
    const attempts: [string, string, number][] = [
      [path, '', 400],
      [path, 'hitl-sign-in=x', 400],
      [path, other.cookie, 401],
      [path.replace(/state=[^&]+/, 'state=x'), jar.cookie, 401],
      [path.replace(/code=[^&]+/, 'code=x'), jar.cookie, 401],
      [path.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Fevil.example'), jar.cookie, 401],
      ['/sign-in/callback?error=access_denied', jar.cookie, 401],
      ['/sign-in/callback', jar.cookie, 401],
    ];
    for (const [address, cookie, expected] of attempts) {
      const { status, headers } = await get(address, cookie);
      expect([
        address,
        status,
        headers.getSetCookie().filter((each) => each.startsWith('hitl-session')),
      ]).toEqual([address, expected, []]);
    }
    const first = await get(path, jar.cookie);
    const second = await get(path, jar.cookie);
    expect([first.status, second.status]).toEqual([303, 401]);
  });

  it('gives each sign-in a session of its own, and ends the one before it', async () => {
    const jar = await signedIn('id-ann');
    const first = jar.session;
    await signIn('id-ann', jar);
    expect(jar.session).not.toBe(first);
    expect((await whoIs(jar.session)).status).toBe(200);
    expect((await whoIs(first)).status).toBe(401);
    const planted = new Jar();
    planted.keep({ headers: new Headers({ 'set-cookie': 'hitl-session=planted' }) } as Response);
    await signIn('id-ann', planted);
    expect(planted.session).not.toBe('hitl-session=planted');
    expect((await whoIs('hitl-session=planted')).status).toBe(401);
  });

  it('leads to no other site, and changes nothing for a page of one', async () => {
    const led = await signIn('id-ann', new Jar(), '//evil.example/');
    expect(new URL(led.headers.get('location')!, `${stack.url}/sign-in/callback`).origin).toBe(stack.url);
    const { session } = await signedIn('id-ann');
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      const { status, body } = await stack.http.post(
        '/v1/reviews/claim-next',
        {},
        { cookie: session, ...headers },
      );
      expect([headers, status, body.code]).toEqual([headers, 403, 'cross_origin']);
    }
  });

  describe('what a person may do', () => {
    const claimNext = (cookie: string) =>
      stack.http.post('/v1/reviews/claim-next', {}, { cookie, origin: stack.url });

    it('follows the groups at the provider, at the next request after they were asked for', async () => {
      const jar = await signedIn('id-ann');
      const { body: job } = await stack.http.post('/v1/jobs', { payload: { input: 'x' } }, bearer(ADMIN));
      const claimed = await until('she has it', async () => {
        const { status, body } = await claimNext(jar.session);
        return status === 200 && body;
      });
      expect(claimed.id).toBe(job.id);
      const bob = await signedIn('id-bob');
      expect((await claimNext(bob.session)).status).toBe(204);
      const stream = await fetch(`${stack.url}/v1/events`, { headers: { cookie: jar.session } });
      expect(stream.status).toBe(200);
      const ended = stream.text().then(
        () => 'ended',
        () => 'cut',
      );

      provider.groups['id-ann'] = ['staff'];
      const decide = () =>
        stack.http.post(
          `/v1/reviews/${job.id}/decision`,
          { verdict: 'approve' },
          { cookie: jar.session, origin: stack.url, 'if-match': '"1"' },
        );
      await until(
        'it is noticed',
        async () =>
          (await get(`/v1/reviews/${job.id}`, jar.session)).body.not_decidable_because === 'other_group',
      );
      expect((await decide()).body.code).toBe('not_in_group');
      expect(await ended).toMatch(/ended|cut/);

      provider.groups['id-ann'] = [];
      await until('she may nothing', async () => (await get('/v1/reviews', jar.session)).status === 403);
      provider.groups['id-ann'] = ['staff', 'staff-seniors'];
      await until('she may again', async () => (await decide()).status === 200);
    });

    it('ends once the provider knows them no more', async () => {
      provider.groups['id-tom'] = ['staff'];
      const { session } = await signedIn('id-tom');
      delete provider.groups['id-tom'];
      await until('it is noticed', async () => (await whoIs(session)).status === 401);
    });

    it('stays what it was while the provider is away, for an hour', async () => {
      const { session } = await signedIn('id-ann');
      provider.leave();
      await database.query(`UPDATE sessions SET checked_at = now() - interval '50 minutes'`);
      expect((await whoIs(session)).status).toBe(200);
      await database.query(`UPDATE sessions SET checked_at = now() - interval '61 minutes'`);
      await until('it is too old', async () => (await whoIs(session)).status === 503);
      await database.query(`UPDATE sessions SET checking_until = NULL`);
      await provider.open(stack.url);
      await until('it is asked again', async () => (await whoIs(session)).status === 200);
    });

    it('ends with a session that nobody has used for two hours', async () => {
      const { session } = await signedIn('id-ann');
      await database.query(`UPDATE sessions SET used_at = now() - interval '121 minutes'`);
      await until('it has ended', async () => (await whoIs(session)).status === 401);
    });
  });

  describe('signing out', () => {
    it('ends the session, and says where to sign out at the provider', async () => {
      const { session } = await signedIn('id-ann');
      const out = await stack.http.post('/sign-out', undefined, { cookie: session, origin: stack.url });
      const url = new URL(out.body.url);
      expect([out.status, url.origin, url.searchParams.get('post_logout_redirect_uri')]).toEqual([
        200,
        provider.issuer,
        `${stack.url}/sign-in`,
      ]);
      expect(url.searchParams.get('id_token_hint')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect((await whoIs(session)).status).toBe(401);
    });

    it('at the provider ends the sessions here', async () => {
      const jar = await signedIn('id-ann');
      const { session } = await signedIn('id-bob');
      const there = jars.get(jar)!;
      const asked = await fetch(`${provider.issuer}/session/end`, { headers: { cookie: there.cookie } });
      there.keep(asked);
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(await asked.text())![1]!;
      const confirmed = await fetch(`${provider.issuer}/session/end/confirm`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: there.cookie, ...FORM },
        body: new URLSearchParams({ xsrf, logout: 'yes' }),
      });
      expect(confirmed.status).toBe(303);
      await until('it has ended', async () => (await whoIs(jar.session)).status === 401);
      expect((await whoIs(session)).status).toBe(200);
    });

    it('takes no logout token that is not whole, and none twice for a later session', async () => {
      const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
      const now = Math.floor(Date.now() / 1000);
      const whole = { aud: 'hitl', sub: 'id-ann', jti: '1', events, iat: now - 60 };
      const { session } = await signedIn('id-ann');
      const send = async (token: string) =>
        (
          await stack.http.post(
            '/sign-in/backchannel-logout',
            new URLSearchParams({ logout_token: token }).toString(),
            FORM,
          )
        ).status;
      const bad = [
        { ...whole, aud: 'https://hitl.example/api' },
        { ...whole, iss: 'https://evil.example' },
        { ...whole, exp: now - 60 },
        { ...whole, iat: now + 600 },
        { ...whole, nonce: 'x' },
        { ...whole, events: {} },
        { ...whole, events: { ...events, 'http://schemas.openid.net/event/backchannel-logout': 'x' } },
        { ...whole, jti: undefined },
        { ...whole, sub: undefined },
      ];
      for (const claims of bad)
        expect([claims, await send(await provider.token(claims))]).toEqual([claims, 400]);
      expect(await send('')).toBe(400);
      // It is from before this session.
      expect(await send(await provider.token(whole))).toBe(200);
      expect((await whoIs(session)).status).toBe(200);
      expect(await send(await provider.token({ ...whole, iat: now }))).toBe(200);
      await until('it has ended', async () => (await whoIs(session)).status === 401);
    });
  });

  describe('an access token', () => {
    const call = (token: string) => stack.http.get('/v1/reviewer', bearer(token));

    it('says who calls, as the provider gives it', async () => {
      const { status, body } = await call(await provider.clientToken());
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({ name: 'hitl', roles: ['reviewer'], signed_in_by: 'token' }),
      ]);
      const ann = await call(await provider.token({ sub: 'id-ann', groups: ['staff'] }));
      expect(ann.body.name).toBe('ann');
      const nobody = await stack.http.get(
        '/v1/jobs',
        bearer(await provider.token({ sub: 'id-x', groups: [] })),
      );
      expect([nobody.status, nobody.body.code]).toEqual([403, 'forbidden']);
    });

    it('is refused where anything about it is wrong, and nothing fails', async () => {
      const claims = { sub: 'id-ann', groups: ['staff'] };
      const now = Math.floor(Date.now() / 1000);
      const good = await provider.token(claims);
      const [header = '', payload = '', signature = ''] = good.split('.');
      const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const hmac = (secret: string, alg = 'HS256') =>
        new SignJWT({ ...claims, iss: provider.issuer, aud: provider.env.OIDC_AUDIENCE })
          .setProtectedHeader({ alg, kid: 'key-1' })
          .setIssuedAt()
          .setExpirationTime('1m')
          .sign(Buffer.from(secret));
      const bad: Record<string, string> = {
        'no algorithm': `${encoded({ alg: 'none' })}.${payload}.`,
        'no algorithm, with a key': `${encoded({ alg: 'none', kid: 'key-1' })}.${payload}.${signature}`,
        'its public key as a secret': await hmac(await provider.publicKey()),
        'its client’s secret': await hmac(provider.env.OIDC_CLIENT_SECRET!),
        'another kid': await provider.token(claims, { kid: 'key-0' }),
        'a kid that is a path': await provider.token(claims, { kid: '../../etc/passwd' }),
        'another algorithm': `${encoded({ alg: 'PS256', kid: 'key-1' })}.${payload}.${signature}`,
        'an unknown extension': `${encoded({ alg: 'RS256', kid: 'key-1', crit: ['x'], x: 1 })}.${payload}.${signature}`,
        'other claims': `${header}.${encoded({ ...claims, iss: provider.issuer, groups: ['admins'], exp: now + 60 })}.${signature}`,
        'another issuer': await provider.token({ ...claims, iss: 'https://evil.example' }),
        'another audience': await provider.token({ ...claims, aud: 'https://other.example' }),
        'an ID token': await provider.token({ ...claims, aud: 'hitl' }),
        expired: await provider.token({ ...claims, exp: now - 60 }),
        'without end': await provider.token({ ...claims, exp: undefined }),
        'not yet': await provider.token({ ...claims, nbf: now + 600 }),
        'from the future': await provider.token({ ...claims, iat: now + 600, exp: now + 900 }),
        'nobody’s': await provider.token({ groups: ['staff'] }),
        'no JSON': `${Buffer.from('x').toString('base64url')}.${payload}.${signature}`,
        'a cut signature': good.slice(0, -8),
        'its own key': `${encoded({ alg: 'RS256', jwk: { kty: 'RSA', n: 'AQ', e: 'AQAB' } })}.${payload}.${signature}`,
      };
      for (const [what, token] of Object.entries(bad)) {
        const { status, body } = await call(token);
        expect([what, status, body.code]).toEqual([what, 401, 'unauthenticated']);
      }
      expect((await call(good)).status).toBe(200);
    });

    it('ends the streams that it has opened', async () => {
      const now = Math.floor(Date.now() / 1000);
      // The clocks may differ by ten seconds.
      const token = await provider.token({ sub: 'id-ann', groups: ['staff'], exp: now - 5 });
      const stream = await fetch(`${stack.url}/v1/events`, { headers: bearer(token) });
      expect(stream.status).toBe(200);
      await stream.text().catch(() => 'cut');
    });

    it('is taken with a key that the provider has only now, and asks for unknown ones seldom', async () => {
      const old = await provider.token({ sub: 'id-ann', groups: ['staff'] });
      await provider.rotate();
      const fresh = await provider.token({ sub: 'id-ann', groups: ['staff'] });
      await until('the new key is known', async () => (await call(fresh)).status === 200);
      expect((await call(old)).status).toBe(401);
      const before = provider.keyReads;
      for (let kid = 0; kid < 50; kid += 1) {
        expect((await call(await provider.token({ sub: 'x' }, { kid: `other-${kid}` }))).status).toBe(401);
      }
      expect(provider.keyReads - before).toBeLessThanOrEqual(1);
      secrets.push(old, fresh);
    });
  });

  it('is in no log', () => {
    const logs = stack.processes.flatMap((process) => process.logs).join('\n');
    expect(logs.includes('"message":"request"') || logs.includes('"msg":"request"')).toBe(true);
    for (const secret of [...secrets, provider.env.OIDC_CLIENT_SECRET!]) {
      expect(logs.includes(secret.slice(-40))).toBe(false);
    }
    expect(logs).not.toMatch(/code=[\w-]{20}|"(refresh|id)_token"/);
  });
});
