import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { JobStore } from '@hitl/domain';
import { HEALTH_LIVE_PATH, HEALTH_READY_PATH, METRICS_PATH, registry } from '@hitl/observability';
import type { FastifyReply } from 'fastify';
import { Allow } from './allow';

/** A database that needs longer to take a job does not work, in milliseconds. */
const DATABASE_TIMEOUT_MS = 2000;
/** Probes within this time of one another share a look at the database, in milliseconds. */
const PROBE_INTERVAL_MS = 1000;

/** What the process must be able to do before it is ready, besides reaching the database. */
export class Readiness {
  /** Turns false when the process begins to stop. */
  accepting = true;

  /**
   * @param isConsuming whether each of the process's queues is being consumed
   * @param isPublishing whether the broker takes messages
   */
  constructor(
    readonly isConsuming: () => boolean,
    readonly isPublishing: () => boolean,
  ) {}
}

/** How a service is, and what it says of itself. */
export interface Health {
  isReady: boolean;
  state: object;
}

/** Of a service that cannot begin yet. */
export const NOT_YET: Health = {
  isReady: false,
  state: { status: 'unavailable', accepting: false, database: false },
};

/** Probes and metrics, the same on every app. */
@ApiExcludeController()
@Controller()
export class HealthController {
  private probe: { at: number; pending: boolean; works: Promise<boolean> } | undefined;

  constructor(
    private readonly jobs: JobStore,
    private readonly readiness: Readiness,
  ) {}

  @Allow('public')
  @Get(HEALTH_LIVE_PATH)
  live(): { status: string } {
    return { status: 'ok' };
  }

  /**
   * 200 while the process can do its work. A gateway accepts jobs without a broker, since the outbox keeps the
   * bells: its `publishing` is told but does not count.
   */
  @Allow('public')
  @Get(HEALTH_READY_PATH)
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { isReady, state } = await this.health();
    reply.status(isReady ? 200 : 503);
    return state;
  }

  /** Whether the process can do its work, as {@link ready} answers. */
  async health(): Promise<Health> {
    const checks = {
      accepting: this.readiness.accepting,
      database: await Promise.race([this.databaseWorks(), delay(DATABASE_TIMEOUT_MS, false, { ref: false })]),
      consuming: this.readiness.isConsuming(),
    };
    const isReady = Object.values(checks).every(Boolean);
    const status = isReady ? 'ok' : 'unavailable';
    return { isReady, state: { status, ...checks, publishing: this.readiness.isPublishing() } };
  }

  /** Whether a job could be submitted. At most one look is under way, however many probes come. */
  private databaseWorks(): Promise<boolean> {
    const last = this.probe;
    if (last && (last.pending || performance.now() - last.at < PROBE_INTERVAL_MS)) return last.works;
    const probe = {
      at: performance.now(),
      pending: true,
      works: this.jobs.probeSubmit().then(
        () => true,
        () => false,
      ),
    };
    this.probe = probe;
    void probe.works.then(() => {
      probe.pending = false;
    });
    return probe.works;
  }

  @Allow('public')
  @Get(METRICS_PATH)
  @Header('content-type', registry.contentType)
  metrics(): Promise<string> {
    return registry.metrics();
  }
}
