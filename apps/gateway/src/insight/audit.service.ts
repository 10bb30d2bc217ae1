import { Injectable } from '@nestjs/common';
import { Config, signingKeyOf } from '@hitl/config';
import { AuditLog, AuditReader, DomainError, type AuditEvent, type Scope } from '@hitl/domain';

/** Days that one gateway exports at once: each keeps the database busy. */
const MAX_AT_ONCE = 2;

/** The audit log of a day as a file. */
@Injectable()
export class AuditService {
  private readonly key;
  private underWay = 0;

  constructor(
    private readonly reader: AuditReader,
    { AUDIT_SIGNING_KEY }: Config,
  ) {
    this.key = AUDIT_SIGNING_KEY === undefined ? null : signingKeyOf(AUDIT_SIGNING_KEY);
  }

  /** Lines of events, and a last one with the digest over them. The first may throw DomainError invalid_request, too_many_exports. */
  async *day({ project }: Scope, date: string, gone: AbortSignal): AsyncGenerator<string> {
    const newest = await this.reader.newestDay();
    if (date > newest) {
      const detail = `${date} is not over, or only just, in UTC; the newest day is ${newest}`;
      throw new DomainError('invalid_request', `date: ${detail}.`, [{ pointer: 'date', detail }]);
    }
    if (this.underWay >= MAX_AT_ONCE) {
      throw new DomainError(
        'too_many_exports',
        `This gateway exports ${MAX_AT_ONCE} days already. Try again when one has ended.`,
      );
    }
    this.underWay += 1;
    try {
      const log = new AuditLog({ project, date });
      for await (const events of this.reader.day({ project }, date, gone)) {
        const lines = events.map(lineOf).join('');
        log.add(lines, events.length);
        if (lines !== '') yield lines;
      }
      // Where the client has gone, not all events were read.
      if (!gone.aborted) yield `${JSON.stringify({ digest: log.digest(this.key) })}\n`;
    } finally {
      this.underWay -= 1;
    }
  }
}

function lineOf({
  id,
  jobId,
  seq,
  type,
  status,
  revision,
  actor,
  policyHash,
  at,
  data,
  hash,
}: AuditEvent): string {
  const event = {
    id,
    job_id: jobId,
    seq,
    type,
    status,
    revision,
    actor,
    policy_hash: policyHash,
    at,
    data,
    hash,
  };
  return `${JSON.stringify(event)}\n`;
}
