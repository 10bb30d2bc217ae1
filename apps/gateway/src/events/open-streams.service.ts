import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import { DomainError } from '@hitl/domain';

/** The event streams that are open. Ends all of them when the gateway stops; clients resume at another one. */
@Injectable()
export class OpenStreams {
  private readonly controller = new AbortController();
  /** How many each caller has, by address. */
  private readonly open = new Map<string, number>();

  constructor(private readonly config: Config) {
    setMaxListeners(0, this.controller.signal);
  }

  /** Fires when the gateway begins to stop. */
  get closing(): AbortSignal {
    return this.controller.signal;
  }

  /**
   * Counts one more stream of a caller.
   * @returns to be called once it has ended
   * @throws DomainError too_many_streams
   */
  enter(caller: string): () => void {
    const count = this.open.get(caller) ?? 0;
    const most = this.config.MAX_STREAMS_PER_CALLER;
    if (count >= most) {
      throw new DomainError(
        'too_many_streams',
        `${caller} has ${most} event streams open (MAX_STREAMS_PER_CALLER). Close some, or follow all jobs by one: /v1/events.`,
      );
    }
    this.open.set(caller, count + 1);
    return () => {
      const left = (this.open.get(caller) ?? 1) - 1;
      if (left > 0) this.open.set(caller, left);
      else this.open.delete(caller);
    };
  }

  close(): void {
    this.controller.abort();
  }
}
