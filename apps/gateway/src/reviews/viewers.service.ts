import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { ReviewViewed } from '@hitl/messaging';

/** How long somebody counts as looking at a job without saying so again, in milliseconds. */
const LOOKS_FOR_MS = 25_000;
/** How often it is looked for who has gone without a word, in milliseconds. */
const SWEEP_INTERVAL_MS = 1000;
/** Jobs, and people at one of them, that are kept in mind; beyond, nobody is told of the others. */
const MAX_JOBS = 10_000;
const MAX_VIEWERS = 20;

/** Told who looks at a job now, whenever that changes: all of them by the same array. */
type Follower = (jobId: string, viewers: string[]) => void;

/** Who has which job open, so that reviewers see each other. Kept in memory alone: every gateway tells all others. */
@Injectable()
export class Viewers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Viewers.name);
  /** Until when each of them counts, by job. */
  private readonly jobs = new Map<string, Map<string, number>>();
  private readonly followers = new Set<Follower>();
  private sweeping?: NodeJS.Timeout;

  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  onApplicationBootstrap(): void {
    this.sweeping = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeping);
  }

  /** Who looks at a job, by name. */
  of(jobId: string): string[] {
    return [...(this.jobs.get(jobId)?.keys() ?? [])].sort();
  }

  /** Somebody says that they look at a job, or no longer do: every gateway hears of it, this one at once. */
  tell(viewed: ReviewViewed): void {
    this.hear(viewed);
    this.client.emit(ReviewViewed.pattern, viewed).subscribe({
      error: (error: unknown) => this.logger.debug(`a viewer was not told of: ${String(error)}`),
    });
  }

  /** A gateway has told of somebody. */
  hear({ jobId, actor, looks }: ReviewViewed): void {
    const viewers = this.jobs.get(jobId) ?? new Map<string, number>();
    const isChange = looks !== viewers.has(actor);
    if (looks) {
      const isFull = this.jobs.size >= MAX_JOBS && !this.jobs.has(jobId);
      if (isFull || (isChange && viewers.size >= MAX_VIEWERS)) return;
      viewers.set(actor, performance.now() + LOOKS_FOR_MS);
      this.jobs.set(jobId, viewers);
    } else {
      viewers.delete(actor);
      if (viewers.size === 0) this.jobs.delete(jobId);
    }
    if (!isChange) return;
    const now = this.of(jobId);
    for (const follow of this.followers) follow(jobId, now);
  }

  /** @returns ends it */
  follow(follower: Follower): () => void {
    this.followers.add(follower);
    return () => {
      this.followers.delete(follower);
    };
  }

  private sweep(): void {
    const now = performance.now();
    for (const [jobId, viewers] of this.jobs) {
      for (const [actor, until] of viewers) if (until < now) this.hear({ jobId, actor, looks: false });
    }
  }
}
