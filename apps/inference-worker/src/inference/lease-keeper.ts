import { Injectable, Logger } from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config } from '@hitl/config';
import { JobStore, type Lease } from '@hitl/domain';

/** Renews the leases of all jobs that this worker holds, in one statement, and ends the work on those it has lost. */
@Injectable()
export class LeaseKeeper {
  private readonly logger = new Logger(LeaseKeeper.name);
  private readonly held = new Map<string, { lease: Lease; lost: AbortController }>();

  constructor(
    private readonly store: JobStore,
    private readonly config: Config,
  ) {}

  /** Keeps a lease until `release`; the signal fires when the job is no longer this worker's. */
  keep(lease: Lease): { lost: AbortSignal; release: () => void } {
    const lost = new AbortController();
    this.held.set(lease.token, { lease, lost });
    return { lost: lost.signal, release: () => this.held.delete(lease.token) };
  }

  /** Often enough that two renewals may fail. */
  @Every((config: Config) => config.WORKER_LEASE_MS / 3)
  async renew(): Promise<void> {
    const entries = [...this.held.values()];
    if (entries.length === 0) return;
    const leases = entries.map((entry) => entry.lease);
    const kept = new Set(await this.store.extendLeases(leases, this.config.WORKER_LEASE_MS));
    for (const { lease, lost } of entries) {
      if (!kept.has(lease.jobId) && this.held.has(lease.token)) {
        this.logger.warn(`job ${lease.jobId} is no longer ours: cancelled, or taken by another worker`);
        lost.abort();
      }
    }
  }
}
