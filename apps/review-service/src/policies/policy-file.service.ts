import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config, ConfigError, isLoopback, signsIn } from '@hitl/config';
import { metrics, registry } from '@hitl/observability';
import { describeFault, MAX_POLICY, parsePolicy, REJECT_REASONS } from './parse-policy';
import type { Policy, RejectReason } from './policy';
import { undecidable } from './undecidable';

/** How often the file is looked at. Its content is read: a mounted ConfigMap changes by links that no watcher sees. */
const LOOK_INTERVAL_MS = 1000;

/** Who acts on a gateway that lets nobody say who they are. */
const LOCAL = 'local';

/** The policy of REVIEW_POLICY_FILE, as it was last without a fault. */
@Injectable()
export class PolicyFile implements OnModuleInit {
  private readonly logger = new Logger(PolicyFile.name);
  /** What was found last: the file's text, or why there was none. */
  private seen?: string;

  /** Null: none is configured, and one human reviews each answer. */
  current: Policy | null = null;
  loadedAt: Date | null = null;
  /** Why the file as it is now is not in force; null: it is. */
  fault: string | null = null;

  constructor(private readonly config: Config) {}

  /** The reasons that a rejection may give. */
  get rejectReasons(): RejectReason[] {
    return this.current?.rejectReasons ?? REJECT_REASONS;
  }

  /** @throws ConfigError where the first policy cannot be used: there is no good one to keep */
  async onModuleInit(): Promise<void> {
    const { REVIEW_POLICY_FILE: path } = this.config;
    if (path === undefined) return;
    registry.registerMetric(metrics.policyReloadOk);
    await this.look();
    if (this.fault !== null) {
      throw new ConfigError(
        `REVIEW_POLICY_FILE=${path} cannot be used:\n${indented(this.fault)}\nSee docs/policies.md.`,
      );
    }
  }

  /** Where the network is let in, everybody is one and the same reviewer: nobody may say who they are. */
  private warnOfNames(policy: Policy): void {
    const rules = undecidable(policy, LOCAL);
    if (rules.length === 0) return;
    this.logger.warn({
      hash: policy.hash,
      rules,
      message: `nobody can decide what these rules of REVIEW_POLICY_FILE ask of several people, of a group, or of another person than the submitter: with HOST=${this.config.HOST} nobody signs in and every caller acts as ${LOCAL}. Set AUTH_MODE=keys, or ask for one approval of anyone`,
    });
  }

  /** Takes over what has changed, and says once what cannot be used. */
  @Every(LOOK_INTERVAL_MS)
  async look(): Promise<void> {
    const { REVIEW_POLICY_FILE: path } = this.config;
    if (path === undefined) return;
    let text: string | undefined;
    let why = '';
    try {
      text = await read(path);
    } catch (error) {
      why = (error as Error).message;
    }
    const found = text ?? `\0${why}`;
    if (found === this.seen) return;
    this.seen = found;
    try {
      if (text === undefined) throw new Error(why);
      // Back to what it was, too, is a change.
      const policy = parsePolicy(text);
      this.current = policy;
      this.loadedAt = new Date();
      this.fault = null;
      const warnings = policy.warnings.map(describeFault);
      this.logger.log({ hash: policy.hash, rules: policy.rules.length, message: 'the policy is in force' });
      if (warnings.length > 0)
        this.logger.warn({ hash: policy.hash, warnings, message: 'the policy has warnings' });
      if (!isLoopback(this.config.HOST) && !signsIn(this.config)) this.warnOfNames(policy);
    } catch (error) {
      this.fault = (error as Error).message;
      if (this.current) {
        this.logger.error({
          hash: this.current.hash,
          faults: this.fault.split('\n'),
          message: 'the policy file cannot be used; the policy before it stays in force',
        });
      }
    }
    metrics.policyReloadOk.set(this.fault === null ? 1 : 0);
  }
}

/** The text of a file that may be one byte too large, so that it is seen to be. @throws Error that says what is wrong */
async function read(path: string): Promise<string> {
  const bytes = await buffer(createReadStream(path, { end: MAX_POLICY }));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8');
  }
}

function indented(lines: string): string {
  return lines.replaceAll(/^/gm, '  ');
}
