import { isIP } from 'node:net';
import { DomainError } from '@hitl/domain';
import { HEALTH_LIVE_PATH, HEALTH_READY_PATH } from '@hitl/observability';
import { quote } from '@hitl/shapes';
import type { FastifyRequest } from 'fastify';
import { routePath } from './route-table';

/** Probes ask for these by whatever name they know; they say nothing that an attacker could use. */
const PROBES = new Set<string>([HEALTH_LIVE_PATH, HEALTH_READY_PATH, '/liveness']);

/**
 * Refuses a request for a name that is not the gateway's own. The owner of a name can let it point to this machine: a
 * browser then takes their page for one of the gateway's own (DNS rebinding). An address cannot be pointed elsewhere.
 * @param allowed see allowedHosts
 * @throws DomainError misdirected_request
 */
export function refuseOtherHosts(request: FastifyRequest, allowed: ReadonlySet<string> | null): void {
  const { host } = request.headers;
  // Without the header it is no browser.
  if (allowed === null || host === undefined || host === '' || PROBES.has(routePath(request.url))) return;
  const name = nameOf(host);
  if (name !== undefined && (isOwnName(name) || allowed.has(name))) return;
  throw new DomainError(
    'misdirected_request',
    `The host ${quote(host)} is not this gateway's. Use localhost or an address; or set PUBLIC_URL where clients reach the gateway by that name, or add it to ALLOWED_HOSTS.`,
  );
}

/** The name or address in a Host header, without port, brackets and a last dot; undefined where it has none. */
function nameOf(host: string): string | undefined {
  if (!/^[^/?#@\\\s]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$|\.$/g, '');
}

function isOwnName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}
