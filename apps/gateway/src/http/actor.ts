import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who acts when nobody says. */
export const LOCAL = 'local';
/** Who the system itself acts as. */
const RESERVED = new Set(['worker', 'desk']);
const LOOPBACK_HOSTS = new Set(['127.0.0.1', '::1', 'localhost']);

/** Who makes a request. */
export interface Caller {
  name: string;
  /** Whether the request itself may say so. */
  mayChoose: boolean;
}

/**
 * Says who makes a request: the header `x-hitl-actor` (1 to 100 letters, digits, spaces and `._@+-`, no name that
 * the system acts under), honoured only by a server that listens on loopback alone, else `local`. The one place that knows; sign-in takes it over.
 * @param host the address that the server listens on
 */
export function callerOf(request: FastifyRequest, host: string): Caller {
  const name = request.headers['x-hitl-actor'];
  const given = typeof name === 'string' && /^[\w.@+ -]{1,100}$/.test(name) && !RESERVED.has(name);
  const mayChoose = LOOPBACK_HOSTS.has(host);
  return { name: given && mayChoose ? name : LOCAL, mayChoose };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; see {@link callerOf}. */
    caller: Caller;
  }
}

/** The name of whoever makes the request. */
export const Actor = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string =>
    context.switchToHttp().getRequest<FastifyRequest>().caller.name,
);
