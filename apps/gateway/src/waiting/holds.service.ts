import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import { DomainError } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { onceClosed } from '../http/gone';
import { PerCaller } from '../http/per-caller';

/** The requests that are held until their jobs have ended, by any API. */
@Injectable()
export class Holds {
  private readonly held: PerCaller;

  constructor({ MAX_HOLDS_PER_CALLER }: Config) {
    this.held = new PerCaller(
      MAX_HOLDS_PER_CALLER,
      (caller, most) =>
        new DomainError(
          'too_many_holds',
          `${caller} has ${most} requests that are held for a human (MAX_HOLDS_PER_CALLER). Nothing was stored. Send this one again when one of them has ended, or do not wait: POST /v1/jobs, or "background": true.`,
        ),
    );
  }

  /**
   * Counts a request as held from now on until its connection is done with the reply.
   * @throws DomainError too_many_holds
   */
  enter(reply: FastifyReply): void {
    onceClosed(reply, this.held.enter(reply.request.ip));
  }
}
