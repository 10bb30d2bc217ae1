import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import type { Scope } from '@hitl/domain';
import { ReviewViewed } from '@hitl/messaging';

/** How long a viewer stays one without saying so again, in milliseconds. */
const LOOKS_FOR_MS = 25_000;
/** How often it is looked for who has gone without a word, in milliseconds. */
const SWEEP_INTERVAL_MS = 1000;
/** Jobs, and people at one of them, that are kept in mind; beyond, the others are not shown. */
const MAX_JOBS = 10_000;
const MAX_VIEWERS = 20;

/** Gets the viewers of a job of the project, whenever they change: every listener gets the same array. */
interface Follower extends Scope {
  notify: (jobId: string, viewers: string[]) => void;
}

/** A job that has viewers. */
interface Viewed extends Scope {
  /** Until when each of them counts. */
  until: Map<string, number>;
}

/** Who has which job open, so that reviewers see each other. Kept in memory alone: every gateway notifies all others. */
@Injectable()
export class Viewers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Viewers.name);
  private readonly jobs = new Map<string, Viewed>();
  private readonly followers = new Set<Follower>();
  private sweeping?: NodeJS.Timeout;

  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  onApplicationBootstrap(): void {
    this.sweeping = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeping);
  }

  /** Who looks at a job of the scope, by name. */
  of({ project }: Scope, jobId: string): string[] {
    const viewed = this.jobs.get(jobId);
    return viewed?.project === project ? [...viewed.until.keys()].sort() : [];
  }

  /** A reviewer opens a job, or leaves it: every gateway is notified, this one at once. */
  publish(viewed: ReviewViewed): void {
    this.hear(viewed);
    this.client.emit(ReviewViewed.pattern, viewed).subscribe({
      error: (error: unknown) => this.logger.debug(`a viewer was not published: ${String(error)}`),
    });
  }

  /** Another gateway has a change of a viewer. */
  hear({ jobId, project, actor, looks }: ReviewViewed): void {
    const viewed = this.jobs.get(jobId) ?? { project, until: new Map<string, number>() };
    const viewers = viewed.until;
    const isChange = looks !== viewers.has(actor);
    if (looks) {
      const isFull = this.jobs.size >= MAX_JOBS && !this.jobs.has(jobId);
      if (isFull || (isChange && viewers.size >= MAX_VIEWERS)) return;
      viewers.set(actor, performance.now() + LOOKS_FOR_MS);
      this.jobs.set(jobId, viewed);
    } else {
      viewers.delete(actor);
      if (viewers.size === 0) this.jobs.delete(jobId);
    }
    if (!isChange) return;
    const now = this.of(viewed, jobId);
    for (const follower of this.followers) if (follower.project === project) follower.notify(jobId, now);
  }

  /** Listens to all jobs of the scope. @returns what ends it */
  follow({ project }: Scope, notify: Follower['notify']): () => void {
    const follower = { project, notify };
    this.followers.add(follower);
    return () => {
      this.followers.delete(follower);
    };
  }

  private sweep(): void {
    const now = performance.now();
    for (const [jobId, { project, until }] of this.jobs) {
      for (const [actor, end] of until) if (end < now) this.hear({ jobId, project, actor, looks: false });
    }
  }
}
