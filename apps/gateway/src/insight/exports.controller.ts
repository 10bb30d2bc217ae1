import { applyDecorators, Controller, Get, Logger, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { goneSignal } from '../http/gone';
import { ExportsService } from './exports.service';
import { ResponseFilter, DecisionsFilter } from './export.dto';
import { sendFile } from '../http/send-file';
import { ApiErrors } from '../openapi/api-errors';

/** Neither `application/jsonl`, which code generators take for `application/json`, nor another application type, which some cannot read. */
const JSON_LINES = 'text/x-ndjson';
const CSV = 'text/csv';

/** An operation that returns a file. */
const ApiFile = (type: string, description: string) =>
  applyDecorators(ApiProduces(type), ApiOkResponse({ description, schema: { type: 'string' } }));

@ApiTags('learning')
@Controller('v1/exports')
export class ExportsController {
  private readonly logger = new Logger(ExportsController.name);

  constructor(private readonly exports: ExportsService) {}

  @ApiOperation({
    summary: 'Export prompts and the responses that people approved',
    description:
      'For supervised fine-tuning. Jobs in success that a person released, oldest first. A connection that breaks off means that the file is not whole.',
  })
  @ApiFile(
    JSON_LINES,
    'A line of JSON each: {"prompt": [messages], "completion": [message], "job_id", "model", "edited", "finished_at"}',
  )
  @ApiErrors('too_many_exports')
  @Allow('exports:read')
  @Get('sft.jsonl')
  exportSft(
    @Query() query: ResponseFilter,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rows = this.exports.sft(caller, query, goneSignal(reply));
    return this.send(request, reply, { name: 'sft.jsonl', type: JSON_LINES }, rows);
  }

  @ApiOperation({
    summary: 'Export the responses that people approved beside those that they did not want',
    description:
      "For preference tuning. Chosen is the approved response; rejected is the model's response that a person changed, or each one that was sent back for the same payload. Oldest first, as in sft.jsonl.",
  })
  @ApiFile(
    JSON_LINES,
    'A line of JSON each: {"prompt": [messages], "chosen": [message], "rejected": [message], "job_id", "kind": "edit" or "regenerate", "model", "finished_at"}',
  )
  @ApiErrors('too_many_exports')
  @Allow('exports:read')
  @Get('preferences.jsonl')
  exportPreferences(
    @Query() query: ResponseFilter,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rows = this.exports.preferences(caller, query, goneSignal(reply));
    return this.send(request, reply, { name: 'preferences.jsonl', type: JSON_LINES }, rows);
  }

  @ApiOperation({
    summary: 'Export the decisions on jobs that have ended',
    description:
      "People's, a policy's, and those that are only for the record, oldest first, without payloads and responses. Cells that a spreadsheet would take for a formula begin with an apostrophe.",
  })
  @ApiFile(CSV, 'CSV with a header; docs/learning.md explains the columns')
  @ApiErrors('too_many_exports')
  @Allow('exports:read')
  @Get('decisions.csv')
  exportDecisions(
    @Query() query: DecisionsFilter,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rows = this.exports.decisions(caller, query, goneSignal(reply));
    return this.send(request, reply, { name: 'decisions.csv', type: CSV }, rows);
  }

  private async send(
    request: FastifyRequest,
    reply: FastifyReply,
    file: { name: string; type: string },
    rows: AsyncGenerator<string>,
  ): Promise<void> {
    const fault = await sendFile(reply, file, rows);
    if (fault) {
      this.logger.warn({ requestId: request.id, file: file.name, err: fault, message: 'an export was cut' });
    }
  }
}
