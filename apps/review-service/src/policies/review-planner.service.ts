import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import type { DeskRules, Job } from '@hitl/domain';

/** What the policy says about jobs and people. */
@Injectable()
export class ReviewPlanner {
  constructor(private readonly config: Config) {}

  /** Whether a policy is configured: then every answer must have its plan before anybody acts on it. */
  get configured(): boolean {
    return false;
  }

  /** What this person may do. */
  deskOf(_actor: string): DeskRules {
    return {
      groups: [],
      requirePlan: this.configured,
      maxRegenerations: this.config.MAX_REGENERATIONS,
    };
  }

  /** The codes of the project's reasons to reject. */
  get reasonCodes(): string[] {
    return ['incorrect', 'unsafe', 'incomplete', 'off_topic', 'tone', 'other'];
  }

  /** Writes the policy's plan on a new answer, or decides as the policy says. Does nothing where that is done. */
  async apply(_job: Job): Promise<void> {
    await Promise.resolve();
  }
}
