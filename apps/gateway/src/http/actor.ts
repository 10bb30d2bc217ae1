import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { isLoopback } from '@hitl/config';
import { DomainError, LOCAL, MAX_NAME_LENGTH, personName } from '@hitl/domain';
import type { FastifyRequest } from 'fastify';
import { quote } from './faults';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Who makes a request. */
export interface Caller {
  name: string;
  /** Whether the request itself may say so. */
  mayChoose: boolean;
}

/**
 * Says who makes a request: the name in the header `x-hitl-actor` (see {@link personName}), taken only by a server that
 * listens on loopback alone, else `local`. The one place that knows; sign-in takes it over.
 *
 * The header carries the name in UTF-8, and any of its bytes percent-encoded: a `%` always begins an escape, so that a
 * name has one reading.
 * @param host the address that the server listens on
 * @throws DomainError invalid_request for a name that is not understood, or not taken here, so that nobody acts as
 *   somebody else
 */
export function callerOf(request: FastifyRequest, host: string): Caller {
  const mayChoose = isLoopback(host);
  const header = request.headers['x-hitl-actor'];
  if (header === undefined) return { name: LOCAL, mayChoose };
  const sent = decodeName(String(header));
  const name = personName(sent ?? '');
  if (name === null) {
    throw refusal(
      `${quote(sent ?? String(header))} is not a name: send 1 to ${MAX_NAME_LENGTH} characters of UTF-8 without control characters, percent-encoded where a header cannot carry them (a % as %25), and none of worker, desk and policy:…`,
    );
  }
  if (!mayChoose && name !== LOCAL) {
    throw refusal(
      `${quote(name)} is not taken: this gateway listens beyond loopback (HOST=${host}), where anybody could send any name. Leave the header out, and you are ${LOCAL}`,
    );
  }
  return { name, mayChoose };
}

/** The text that a header's bytes stand for; undefined when they stand for none. */
function decodeName(header: string): string | undefined {
  // Node gives each byte as a character.
  if (/%(?![0-9a-f]{2})/i.test(header)) return undefined;
  const bytes = header.replace(/%(..)/g, (_escape, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  try {
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}

function refusal(detail: string): DomainError {
  return new DomainError('invalid_request', `x-hitl-actor: ${detail}.`, [
    { pointer: 'x-hitl-actor', detail },
  ]);
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
