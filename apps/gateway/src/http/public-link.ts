import { basePath } from '@hitl/service';
import type { FastifyRequest } from 'fastify';

let base = '';

/** Says where clients reach this gateway (PUBLIC_URL). Called once, at boot. */
export function setPublicUrl(url: string | undefined): void {
  base = url?.replace(/\/$/, '') ?? '';
}

/** A link for clients to one of the gateway's own addresses: below PUBLIC_URL where it is set, else the mere path. */
export function publicLink(path: string): string {
  return base + path;
}

/**
 * From a page to the root of the console, wherever a proxy has put it: `/review/7` is one folder deeper than `/queue`.
 * @param publicUrl where browsers reach the gateway, where that is known
 */
export function rootFrom({ originalUrl }: FastifyRequest, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return `${basePath(publicUrl)}/`;
  const path = originalUrl.split('?', 1)[0] ?? '';
  const depth = path.split('/').length - 2;
  return depth > 0 ? '../'.repeat(depth) : './';
}
