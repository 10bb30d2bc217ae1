import { DomainError } from '@hitl/domain';
import { quote } from '@hitl/shapes';
import type { FastifyReply, FastifyRequest } from 'fastify';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** What a page of another origin may read beside the body. */
const EXPOSED_HEADERS = [
  'Allow',
  'Content-Disposition',
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'Preference-Applied',
  'Retry-After',
  'WWW-Authenticate',
  'X-Hitl-Edited',
  'X-Hitl-Job-Id',
  'X-Request-Id',
  'X-Should-Retry',
].join(', ');
/** How long a browser may remember what a page may send, in seconds. */
const PREFLIGHT_MAX_AGE = 600;

/**
 * Refuses changes that a page of another origin asks for: a browser sends them without asking. Pages of the gateway's
 * own origin may, and those of `allowed`. Where a browser names no origin, it says itself whether it is another one.
 * @param hasSession whether the browser has added a session: then it must say one or the other
 * @throws DomainError cross_origin
 */
export function refuseOtherOrigins(
  request: FastifyRequest,
  allowed: ReadonlySet<string>,
  hasSession = false,
): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (SAFE_METHODS.has(request.method)) return;
  if (origin === undefined) {
    if (site === 'same-origin' || (site === 'none' && !hasSession)) return;
    // No header at all: it is no browser.
    if (site === undefined && !hasSession) return;
    throw new DomainError(
      'cross_origin',
      site === undefined
        ? 'A session may not change anything without the header Origin. Programs send an API key: Authorization: Bearer.'
        : `A page of another site (Sec-Fetch-Site: ${quote(site)}) may not change anything here unless its browser sends its Origin.`,
    );
  }
  if (allowed.has(origin) || isOwnOrigin(request, origin)) return;
  throw new DomainError(
    'cross_origin',
    `The origin ${quote(origin)} may not change anything here. Set PUBLIC_URL if it is this gateway's own address, or CORS_ORIGINS to allow its pages.`,
  );
}

/** Lets the pages of an allowed origin read the reply. */
export function allowReading(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: ReadonlySet<string>,
): void {
  if (allowed.size === 0) return;
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !allowed.has(origin)) return;
  reply
    .header('access-control-allow-origin', origin)
    .header('access-control-expose-headers', EXPOSED_HEADERS);
}

/**
 * Replies to OPTIONS with the methods of an address and, to a browser that asks for a page of an allowed origin, with
 * what it may send.
 * @param methods of the address
 */
export function replyToOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  methods: readonly string[],
  allowed: ReadonlySet<string>,
): void {
  const { origin, 'access-control-request-headers': headers } = request.headers;
  const allow = methods.join(', ');
  reply.status(204).header('allow', allow);
  if (origin !== undefined && allowed.has(origin)) {
    reply.header('access-control-allow-methods', allow).header('access-control-max-age', PREFLIGHT_MAX_AGE);
    // SDKs add headers of their own to each request.
    if (headers !== undefined) reply.header('access-control-allow-headers', headers);
  }
  reply.send();
}

/** Whether a browser shows the page at the address that this request came to, however a proxy has written it. */
function isOwnOrigin(request: FastifyRequest, origin: string): boolean {
  // Browsers say so themselves, and no page can make them.
  if (request.headers['sec-fetch-site'] === 'same-origin') return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  return hostsOf(request).some((candidate) => {
    // Parsed with the origin's scheme, whose own port is left out; a host is the same in any letter case.
    const url = `${protocol}//${candidate}`;
    return host !== '' && URL.canParse(url) && new URL(url).host === host;
  });
}

/** The hosts that the client may have asked for: as the last proxy wrote it and, from trusted ones, as those before did. */
function hostsOf(request: FastifyRequest): string[] {
  const { host, 'x-forwarded-host': forwarded } = request.headers;
  const isTrusted = request.host !== host;
  const hosts = [host ?? '', ...(isTrusted ? String(forwarded).split(',') : [])];
  return hosts.map((candidate) => candidate.trim()).filter((candidate) => candidate !== '');
}
