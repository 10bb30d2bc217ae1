import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';

/** Ends every open stream when the gateway stops; clients resume at another one. */
@Injectable()
export class OpenStreams {
  private readonly controller = new AbortController();

  constructor() {
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
