import { Controller, Get, Logger, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { DayField } from '../http/fields';
import { goneSignal } from '../http/gone';
import { sendFile } from '../http/send-file';
import { ApiErrors } from '../openapi/api-errors';
import { AuditService } from './audit.service';

/** Which day. */
class AuditDay {
  @DayField({ description: 'A day in UTC that is over', remedy: 'say which day: /v1/audit?date=2026-01-31' })
  date: string;
}

@ApiTags('history')
@Controller('v1/audit')
export class AuditController {
  private readonly logger = new Logger(AuditController.name);

  constructor(private readonly audit: AuditService) {}

  @ApiOperation({
    summary: 'Export the audit log of a day',
    description:
      "The project's events with their hashes, without contents, and a last line with a digest over all others, signed where AUDIT_SIGNING_KEY is set. A file without that line is not whole. npm run hitl -- audit verify --file verifies it.",
  })
  @ApiProduces('text/x-ndjson')
  @ApiOkResponse({
    description:
      'A line of JSON each: {"id", "job_id", "seq", "type", "status", "revision", "actor", "policy_hash", "at", "data", "hash"}; the last: {"digest": {"project", "date", "events", "sha256", "signature"}}',
    schema: { type: 'string' },
  })
  @ApiErrors('too_many_exports')
  @Allow('audit:read')
  @Get()
  async exportAudit(
    @Query() { date }: AuditDay,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const file = { name: `audit-${caller.project}-${date}.ndjson`, type: 'text/x-ndjson' };
    const fault = await sendFile(reply, file, this.audit.day(caller, date, goneSignal(reply)));
    if (fault) {
      this.logger.warn({ requestId: request.id, file: file.name, err: fault, message: 'an export was cut' });
    }
  }
}
