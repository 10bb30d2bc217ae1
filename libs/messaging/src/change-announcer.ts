import { Inject, Injectable, Logger } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import type { JobStatus } from '@hitl/domain';
import { JobChanged, type JobChange } from './messages/events';

/** Changes that one message carries at most. */
const MAX_PER_MESSAGE = 500;
/** Changes that may wait to be told; beyond, whoever waits for a job finds out by looking. */
const MAX_UNTOLD = 20_000;

/** Tells every gateway that jobs have changed, without making anybody wait. What is lost is found by looking. */
@Injectable()
export class ChangeAnnouncer {
  private readonly logger = new Logger(ChangeAnnouncer.name);
  private untold: JobChange[] = [];
  private scheduled = false;

  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  announce(jobId: string, status: JobStatus): void {
    if (this.untold.length < MAX_UNTOLD) this.untold.push({ jobId, status });
    if (this.scheduled) return;
    this.scheduled = true;
    // Changes of one turn, such as a batch of decisions, go together.
    setImmediate(() => {
      this.scheduled = false;
      while (this.untold.length > 0) {
        const changes = this.untold.splice(0, MAX_PER_MESSAGE);
        this.client.emit(JobChanged.pattern, { changes }).subscribe({
          error: (error: unknown) => this.logger.debug(`a change was not published: ${String(error)}`),
        });
      }
    });
  }
}
