import { Injectable, Logger } from '@nestjs/common';
import { Every } from '@hitl/background';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Credential } from './credential';
import { Identity } from './identity.service';

/** How often it is looked whether those who have a request open may still have it, in milliseconds. */
const CHECK_INTERVAL_MS = 5000;

/**
 * The requests that have no reply yet. Streams and held requests live for hours: they end within seconds after the key
 * or the session that they came with.
 */
@Injectable()
export class OpenRequests {
  private readonly logger = new Logger(OpenRequests.name);
  private readonly byCredential = new Map<
    string,
    { credential: Credential; responses: Set<ServerResponse> }
  >();

  constructor(private readonly identity: Identity) {}

  /** Follows a request until its connection is done with it. */
  follow({ request: { credential }, raw }: FastifyReply): void {
    if (credential === null) return;
    const { session, keyId, tokenEnd, rights } = credential;
    // Of tokens only their end counts.
    const key = tokenEnd ? `token ${tokenEnd.getTime()}` : `${session ?? keyId} ${rights}`;
    const open = this.byCredential.get(key) ?? { credential, responses: new Set() };
    open.responses.add(raw);
    this.byCredential.set(key, open);
    raw.once('close', () => {
      open.responses.delete(raw);
      if (open.responses.size === 0 && this.byCredential.get(key) === open) this.byCredential.delete(key);
    });
  }

  @Every(CHECK_INTERVAL_MS)
  async check(): Promise<void> {
    // At once, so that they are looked up by few statements.
    await Promise.all(
      [...this.byCredential.values()].map(async ({ credential, responses }) => {
        if (await this.identity.isCurrent(credential)) return;
        this.logger.log({
          keyId: credential.keyId,
          requests: responses.size,
          message: 'cut: its sign-in has ended',
        });
        for (const response of responses) response.destroy();
      }),
    );
  }
}
