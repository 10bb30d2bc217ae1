import { parseCookie, stringifySetCookie } from 'cookie';
import type { Config } from '@hitl/config';
import type { Caller } from '@hitl/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The cookie of a session. Browsers take the first only by HTTPS and for this very host; the other is for plain HTTP on loopback. */
const SECURE_COOKIE = '__Host-hitl-session';
const LOCAL_COOKIE = 'hitl-session';
/** The same for what belongs to a sign-in that is under way. */
const SECURE_SIGN_IN_COOKIE = '__Host-hitl-sign-in';
const LOCAL_SIGN_IN_COOKIE = 'hitl-sign-in';

/** How a request says who makes it. */
export interface Sent {
  /** What was sent, as it came. */
  text: string;
  kind: 'key' | 'token' | 'session';
}

/** What a request was let in by. */
export interface Credential {
  /** Null: a person has signed in at a provider. */
  keyId: string | null;
  /** The hash of the session's token, in hexadecimal digits; null: the key or an access token itself was sent. */
  session: string | null;
  /** When an access token ends; null: it was none. */
  tokenEnd: Date | null;
  /** What the person might do then, as a text to compare; empty for keys, which keep it. */
  rights: string;
}

export function credentialOf(given: Partial<Credential>): Credential {
  return { keyId: null, session: null, tokenEnd: null, rights: '', ...given };
}

/** What somebody may do, as a text to compare. */
export function rightsText({ project, roles, groups }: Caller): string {
  return JSON.stringify([project, roles, groups]);
}

/** What a request says of who makes it: a key or an access token where there is one, else the cookie of a session. */
export function sentWith(request: FastifyRequest, config: Config): Sent | null {
  const { authorization, 'x-api-key': apiKey, cookie } = request.headers;
  const bearer = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  const key = bearer ?? apiKey;
  // Three parts with dots between: no key has any.
  const isToken = bearer !== undefined && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(bearer);
  if (key !== undefined) return { kind: isToken ? 'token' : 'key', text: String(key) };
  const token = cookie && parseCookie(cookie)[sessionCookie(request, config)];
  return token ? { kind: 'session', text: token } : null;
}

/** Gives a browser a session, or takes it away. @param token null: none */
export function setSession(reply: FastifyReply, config: Config, token: string | null, maxAgeMs = 0): void {
  setCookie(reply, config, sessionCookie(reply.request, config), token, maxAgeMs);
}

/** Keeps in the browser what belongs to a sign-in that it begins, or forgets it. @param text null: forgets it */
export function setSignIn(reply: FastifyReply, config: Config, text: string | null, maxAgeMs = 0): void {
  setCookie(reply, config, signInCookie(reply.request, config), text, maxAgeMs);
}

/** What {@link setSignIn} has kept; null: nothing. */
export function signInOf(request: FastifyRequest, config: Config): string | null {
  return parseCookie(request.headers.cookie ?? '')[signInCookie(request, config)] ?? null;
}

function setCookie(
  reply: FastifyReply,
  config: Config,
  name: string,
  value: string | null,
  maxAgeMs: number,
): void {
  const cookie = stringifySetCookie({
    name,
    value: value ?? '',
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

function sessionCookie(request: FastifyRequest, config: Config): string {
  return isSecure(request, config) ? SECURE_COOKIE : LOCAL_COOKIE;
}

function signInCookie(request: FastifyRequest, config: Config): string {
  return isSecure(request, config) ? SECURE_SIGN_IN_COOKIE : LOCAL_SIGN_IN_COOKIE;
}
