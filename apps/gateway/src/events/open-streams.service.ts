import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import { DomainError } from '@hitl/domain';
import { PerCaller } from '../http/per-caller';

/** The event streams that are open. Ends all of them when the gateway stops; clients resume at another one. */
@Injectable()
export class OpenStreams extends PerCaller {
  private readonly controller = new AbortController();

  constructor(config: Config) {
    super(
      config.MAX_STREAMS_PER_CALLER,
      (caller, most) =>
        new DomainError(
          'too_many_streams',
          `${caller} has ${most} event streams open (MAX_STREAMS_PER_CALLER). Close some, or follow all jobs by one: /v1/events.`,
        ),
    );
    setMaxListeners(0, this.controller.signal);
  }

  /** Fires when the gateway begins to stop. */
  get closing(): AbortSignal {
    return this.controller.signal;
  }

  close(): void {
    this.controller.abort();
  }
}
