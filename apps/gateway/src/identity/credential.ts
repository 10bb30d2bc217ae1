import { parseCookie, stringifySetCookie } from 'cookie';
import type { Config } from '@hitl/config';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The cookie of a session. Browsers take the first only by HTTPS and for this very host; the other is for plain HTTP on loopback. */
const SECURE_COOKIE = '__Host-hitl-session';
const LOCAL_COOKIE = 'hitl-session';

/** How a request says who makes it. */
export interface Sent {
  /** What was sent, as it came. */
  text: string;
  kind: 'key' | 'session';
}

/** What a request was let in by. */
export interface Credential {
  keyId: string;
  /** The hash of the session's token, in hexadecimal digits; null: the key itself was sent. */
  session: string | null;
}

/** What a request says of who makes it: a key where there is one, else the cookie of a session. */
export function sentWith(request: FastifyRequest, config: Config): Sent | null {
  const { authorization, 'x-api-key': apiKey, cookie } = request.headers;
  const bearer = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  const key = bearer ?? apiKey;
  if (key !== undefined) return { kind: 'key', text: String(key) };
  const token = cookie && parseCookie(cookie)[cookieName(request, config)];
  return token ? { kind: 'session', text: token } : null;
}

/** Gives a browser a session, or takes it away. @param token null: none */
export function setSession(reply: FastifyReply, config: Config, token: string | null, maxAgeMs = 0): void {
  const cookie = stringifySetCookie({
    name: cookieName(reply.request, config),
    value: token ?? '',
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure(reply.request, config),
    maxAge: Math.floor(maxAgeMs / 1000),
  });
  reply.header('set-cookie', cookie);
}

/** Whether a browser's cookie may travel: by HTTPS, or without leaving its machine. */
export function mayHaveSession(request: FastifyRequest, config: Config): boolean {
  return (
    isSecure(request, config) || /^(localhost|.*\.localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(request.hostname)
  );
}

/** Whether browsers reach the gateway by HTTPS, at a proxy or here. */
function isSecure({ protocol }: FastifyRequest, { PUBLIC_URL }: Config): boolean {
  return protocol === 'https' || PUBLIC_URL?.startsWith('https:') === true;
}

function cookieName(request: FastifyRequest, config: Config): string {
  return isSecure(request, config) ? SECURE_COOKIE : LOCAL_COOKIE;
}
