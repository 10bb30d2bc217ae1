import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import type { Context } from 'oidc-provider';

/** The audience of access tokens. */
const AUDIENCE = 'https://hitl.example/api';
const CLIENT = { client_id: 'hitl', client_secret: 'the-secret-of-the-test-client' };

/** A real OpenID provider on loopback: oidc-provider, with a page that asks for a name alone. */
export interface SignInProvider {
  issuer: string;
  /** What a gateway needs to use it, but for OIDC_GROUPS. */
  env: Record<string, string>;
  /** The groups of the people whom it knows; it asks for no password. */
  groups: Record<string, string[]>;
  /** How often its keys were read. */
  readonly keyReads: number;
  /** Begins to answer, at first or again: before, it is away. @param gateway where the gateway is */
  open(gateway: string): Promise<void>;
  /** Answers 503 from now on. */
  leave(): void;
  /** Signs with another key from now on, and publishes that one alone. */
  rotate(): Promise<void>;
  /** A token that it signs with the key that it has now. @param header over what it is by right */
  token(claims: JWTPayload, header?: { kid?: string; typ?: string }): Promise<string>;
  /** Its public key, as a PEM that somebody may take for a secret. */
  publicKey(): Promise<string>;
  /** An access token that it gives the client itself, which is in the group `staff`. */
  clientToken(): Promise<string>;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Key {
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  kid: string;
}

export async function startSignInProvider(): Promise<SignInProvider> {
  // What it says of itself is for those who run it.
  for (const level of ['info', 'warn'] as const) {
    const say = console[level].bind(console);
    console[level] = (...words: unknown[]) => {
      if (!String(words[0]).startsWith('oidc-provider ')) say(...words);
    };
  }
  const { default: Provider } = await import('oidc-provider');
  let handler: Handler | null = null;
  let present: Handler | null = null;
  let gateway = '';
  let keyReads = 0;
  let key = await makeKey(1);
  let keys = 1;
  const server = createServer((request, response) => {
    if (request.url === '/jwks') keyReads += 1;
    if (handler) handler(request, response);
    else response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const groups: Record<string, string[]> = {};

  async function begin(): Promise<void> {
    const jwk = { ...(await exportJWK(key.privateKey)), kid: key.kid, alg: 'RS256', use: 'sig' };
    const provider = new Provider(issuer, {
      clients: [
        {
          ...CLIENT,
          redirect_uris: [`${gateway}/sign-in/callback`],
          post_logout_redirect_uris: [`${gateway}/sign-in`],
          backchannel_logout_uri: `${gateway}/sign-in/backchannel-logout`,
          backchannel_logout_session_required: true,
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        },
      ],
      jwks: { keys: [jwk] },
      cookies: { keys: ['of the test'] },
      claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
      findAccount: (_context: Context, id: string) =>
        groups[id] && {
          accountId: id,
          claims: () => ({ sub: id, preferred_username: id.replace(/^id-/, ''), groups: groups[id] }),
        },
      interactions: { url: (_context: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
      loadExistingGrant: async ({ oidc }: Context) => {
        const grant = new oidc.provider.Grant({
          clientId: oidc.client.clientId,
          accountId: oidc.session.accountId,
        });
        grant.addOIDCScope(oidc.params.scope);
        await grant.save();
        return grant;
      },
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      extraTokenClaims: () => ({ groups: ['staff'] }),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (context: Context, form: string) => {
            context.body = `<!doctype html>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out here</button>`;
          },
        },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context: Context, audience: string) => ({
            scope: '',
            audience,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
    });
    const answer = provider.callback();
    present = (request, response) => {
      if (!request.url?.startsWith('/interaction/')) {
        answer(request, response);
      } else if (request.method === 'POST') {
        void text(request).then((form) =>
          provider.interactionFinished(request, response, {
            login: { accountId: new URLSearchParams(form).get('name') },
          }),
        );
      } else {
        response.setHeader('content-type', 'text/html');
        response.end(
          '<!doctype html><form method="post"><label>Name <input name="name"></label><button>Go on</button></form>',
        );
      }
    };
    handler = present;
  }

  return {
    issuer,
    env: {
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: CLIENT.client_id,
      OIDC_CLIENT_SECRET: CLIENT.client_secret,
      OIDC_AUDIENCE: AUDIENCE,
    },
    groups,
    get keyReads() {
      return keyReads;
    },
    async open(url) {
      gateway = url;
      if (present) handler = present;
      else await begin();
    },
    leave() {
      handler = null;
    },
    async rotate() {
      keys += 1;
      key = await makeKey(keys);
      await begin();
    },
    token(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: issuer, aud: AUDIENCE, iat: now, exp: now + 60 };
      return new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
        .sign(key.privateKey);
    },
    publicKey: () => exportSPKI(key.publicKey),
    async clientToken() {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...CLIENT, grant_type: 'client_credentials', resource: AUDIENCE }),
      });
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function makeKey(number: number): Promise<Key> {
  return { ...(await generateKeyPair('RS256', { extractable: true })), kid: `key-${number}` };
}
