import { Injectable } from '@nestjs/common';
import { Config, isLoopback } from '@hitl/config';
import { DEFAULT_PROJECT, DomainError, LOCAL, MAX_NAME_LENGTH, personName, type Caller } from '@hitl/domain';
import { quote } from '@hitl/shapes';
import type { FastifyRequest } from 'fastify';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The header in which a caller may say its name where nobody signs in. */
const NAME_HEADER = 'x-hitl-actor';

/**
 * Who makes a request where nobody signs in: a local administrator, whom the header `x-hitl-actor` may name (see
 * {@link personName}) where the server listens on loopback alone, else `local`. The header carries the name in UTF-8, and
 * any of its bytes percent-encoded: a `%` always begins an escape, so that a name has one reading.
 */
@Injectable()
export class LocalCaller {
  /** Whether a request may say who makes it. */
  readonly mayChoose: boolean;

  constructor(private readonly config: Config) {
    this.mayChoose = isLoopback(config.HOST);
  }

  /**
   * @throws DomainError invalid_request for a name that is not understood, or not taken here, so that nobody acts as
   *   another person
   */
  of({ headers }: Pick<FastifyRequest, 'headers'>): Caller {
    const name = this.nameIn(headers[NAME_HEADER]);
    return { name, project: DEFAULT_PROJECT, roles: ['admin'], scopes: null, groups: [] };
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
        `${quote(name)} is not taken: this gateway listens beyond loopback (HOST=${this.config.HOST}), where a caller could send any name. Leave the header out, and you are ${LOCAL}`,
      );
    }
    return name;
  }
}

/** Refuses a request that says another name than its key's or session's. @throws DomainError invalid_request */
export function refuseOtherName({ headers }: FastifyRequest, { name }: Caller): void {
  const sent = headers[NAME_HEADER];
  if (sent === undefined || decodeName(String(sent)) === name) return;
  throw refusal(
    `${quote(String(sent))} is not taken: you act as ${quote(name)}, to whom your key belongs. Leave the header out`,
  );
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
