import { Inject, Injectable } from '@nestjs/common';
import { DomainError, isStatementTimeout, verifyChains, type ChainFinding, type Scope } from '@hitl/domain';
import { DataSource } from 'typeorm';
import { JobsService } from '../jobs/jobs.service';

/** Findings in one reply. */
export const MAX_FINDINGS = 100;
/** Verifications that one gateway asks for at once: each hashes everything that the job has ever been. */
const MAX_AT_ONCE = 4;

/** What the verification of one job's events has found. */
export interface VerifiedChain {
  jobId: string;
  verifiedAt: Date;
  events: number;
  /** The first ones of `count`. */
  findings: ChainFinding[];
  count: number;
}

/** Verifies the record of single jobs. */
@Injectable()
export class ChainService {
  private underWay = 0;

  constructor(
    private readonly jobs: JobsService,
    @Inject(DataSource) private readonly database: DataSource,
  ) {}

  /** @throws DomainError job_not_found; unavailable when too much is verified already, or the record is too long */
  async verify(scope: Scope, id: string): Promise<VerifiedChain> {
    const jobId = await this.jobs.idOf(scope, id);
    if (this.underWay >= MAX_AT_ONCE) {
      throw new DomainError(
        'unavailable',
        `This gateway verifies ${MAX_AT_ONCE} records already. Try again in a few seconds.`,
      );
    }
    this.underWay += 1;
    try {
      return await this.read(jobId);
    } catch (error) {
      if (!isStatementTimeout(error)) throw error;
      throw new DomainError(
        'unavailable',
        `The audit log of job ${jobId} is longer than the database verifies in ten seconds. On the server, npm run hitl -- audit verify --job ${jobId} takes its time.`,
      );
    } finally {
      this.underWay -= 1;
    }
  }

  private async read(jobId: string): Promise<VerifiedChain> {
    const verifiedAt = new Date();
    const findings: ChainFinding[] = [];
    // One snapshot: the events that are counted are those that were verified.
    const verified = await this.database.transaction('REPEATABLE READ', (snapshot) =>
      verifyChains(
        snapshot,
        (finding) => {
          if (findings.length < MAX_FINDINGS) findings.push(finding);
        },
        { jobId },
      ),
    );
    return { jobId, verifiedAt, events: verified.events, findings, count: verified.findings };
  }
}
