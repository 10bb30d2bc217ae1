import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Config, isLoopback } from '@hitl/config';
import {
  DEFAULT_PROJECT,
  DomainError,
  LOCAL,
  MAX_NAME_LENGTH,
  personName,
  ROLES,
  type Caller,
} from '@hitl/domain';
import { allowedAt } from '@hitl/service';
import type { FastifyRequest } from 'fastify';
import { quote } from './faults';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The header in which a caller may say its name. */
const NAME_HEADER = 'x-hitl-actor';

/**
 * Decides who makes a request, and whether that caller may: the one place that knows. Sign-in takes it over.
 *
 * For now there is one caller with every role in one project: the person whom the header `x-hitl-actor` names (see
 * {@link personName}), taken only by a server that listens on loopback alone, else `local`. The header carries the name in
 * UTF-8, and any of its bytes percent-encoded: a `%` always begins an escape, so that a name has one reading.
 */
@Injectable()
export class CallerGuard implements CanActivate {
  /** Whether a request may say who makes it. */
  readonly mayChoose: boolean;

  constructor(
    private readonly config: Config,
    private readonly reflector: Reflector,
  ) {
    this.mayChoose = isLoopback(config.HOST);
  }

  /**
   * Who makes a request. To be asked before its body is read, for every address: the console, its assets and the description
   * are no controller's.
   * @throws DomainError invalid_request for a name that is not understood, or not taken here, so that nobody acts as
   *   somebody else
   */
  identify({ headers }: Pick<FastifyRequest, 'headers'>): Caller {
    return { name: this.nameIn(headers[NAME_HEADER]), project: DEFAULT_PROJECT, roles: ROLES, groups: [] };
  }

  /** @throws DomainError forbidden for a caller who has none of the roles that the route allows */
  canActivate(context: ExecutionContext): boolean {
    // Messages come from services, which say whom they act for.
    if (context.getType() !== 'http') return true;
    const handler = context.getHandler();
    const allowed = allowedAt(this.reflector, handler as () => unknown);
    if (!allowed) throw new Error(`${handler.name} does not say who may call it: add @Allow`);
    const { name, roles } = context.switchToHttp().getRequest<FastifyRequest>().caller;
    if (allowed.some((role) => role === 'public' || roles.includes(role))) return true;
    throw new DomainError(
      'forbidden',
      `${quote(name)} has none of the roles that may do this: ${allowed.join(', ')}.`,
    );
  }

  private nameIn(header: string | string[] | undefined): string {
    if (header === undefined) return LOCAL;
    const sent = decodeName(String(header));
    const name = personName(sent ?? '');
    if (name === null) {
      throw refusal(
        `${quote(sent ?? String(header))} is not a name: send 1 to ${MAX_NAME_LENGTH} characters of UTF-8 without control characters, percent-encoded where a header cannot carry them (a % as %25), and none of worker, desk and policy:…`,
      );
    }
    if (!this.mayChoose && name !== LOCAL) {
      throw refusal(
        `${quote(name)} is not taken: this gateway listens beyond loopback (HOST=${this.config.HOST}), where anybody could send any name. Leave the header out, and you are ${LOCAL}`,
      );
    }
    return name;
  }
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
  return new DomainError('invalid_request', `${NAME_HEADER}: ${detail}.`, [{ pointer: NAME_HEADER, detail }]);
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; see {@link CallerGuard}. */
    caller: Caller;
  }
}

/** Who makes the request. */
export const CurrentCaller = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Caller =>
    context.switchToHttp().getRequest<FastifyRequest>().caller,
);
