import type { Config } from './config';
import { list } from './decorators';
import { isLoopback } from './shown-url';

/** A way in which callers of the gateway sign in. */
export type AuthMode = 'keys' | 'oidc';

/** The ways in which callers of the gateway sign in; none: everybody is a local administrator. */
export function authModes({ AUTH_MODE }: Config): AuthMode[] {
  return AUTH_MODE === undefined || AUTH_MODE === 'none' ? [] : (list(AUTH_MODE) as AuthMode[]);
}

/** Whether callers must sign in: also where nothing says so, and the network can reach the process. */
export function signsIn(config: Config): boolean {
  const { AUTH_MODE, AUTH_MODE_NONE_ANYWHERE, HOST } = config;
  if (AUTH_MODE !== undefined) return authModes(config).length > 0;
  return !isLoopback(HOST) && AUTH_MODE_NONE_ANYWHERE !== 'true';
}

/** Whose X-Forwarded- headers are believed: everybody's, nobody's, or those of the listed addresses and networks. */
export function trustedProxies({ TRUST_PROXY }: Config): boolean | string[] {
  return TRUST_PROXY === 'true' || (TRUST_PROXY !== 'false' && list(TRUST_PROXY));
}

/** Origins whose pages may use the API: CORS_ORIGINS, and that of PUBLIC_URL. */
export function allowedOrigins({ CORS_ORIGINS = '', PUBLIC_URL }: Config): Set<string> {
  return new Set([...list(CORS_ORIGINS), ...(PUBLIC_URL === undefined ? [] : [new URL(PUBLIC_URL).origin])]);
}

/**
 * The host names under which the gateway answers, in small letters, beside `localhost` and addresses: ALLOWED_HOSTS, and
 * that of PUBLIC_URL. Null: any, where HOST lets the network in and ALLOWED_HOSTS is not set.
 */
export function allowedHosts({ HOST, PUBLIC_URL, ALLOWED_HOSTS }: Config): Set<string> | null {
  if (ALLOWED_HOSTS === undefined && !isLoopback(HOST)) return null;
  const own = PUBLIC_URL === undefined ? [] : [new URL(PUBLIC_URL).hostname];
  return new Set([...list(ALLOWED_HOSTS ?? ''), ...own].map((name) => name.toLowerCase()));
}
