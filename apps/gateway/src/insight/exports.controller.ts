import { applyDecorators, Controller, Get, Logger, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiQuery, ApiTags } from '@nestjs/swagger';
import { VERDICTS, type Caller, type Verdict } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { goneSignal } from '../http/gone';
import {
  choiceParameter,
  limitParameter,
  NAME,
  nameParameter,
  PERSON,
  personParameter,
  onlyParameters,
  timeParameter,
  type Query as QueryParameters,
} from '../http/parameters';
import { ExportsService, type ExportRequest } from './exports.service';
import { sendFile } from '../http/send-file';
import { ApiErrors } from '../openapi/api-errors';

/** Rows that an export has at most, when it is asked for a limit. */
const MAX_EXPORT = 1_000_000_000;
/** The verdicts that release an answer. */
const RELEASING = ['approve', 'edit'] as const satisfies Verdict[];

/** Neither `application/jsonl`, which code generators take for `application/json`, nor another application type, which some cannot read. */
const JSON_LINES = 'text/x-ndjson';
const CSV = 'text/csv';

/** An operation that answers a file, with the filters of all exports. */
function ApiExport(type: string, window: string, verdicts: readonly Verdict[], description: string) {
  const time = { required: false, schema: { type: 'string', format: 'date-time' } } as const;
  return applyDecorators(
    ApiQuery({ name: 'from', description: `${window} at or after this`, ...time }),
    ApiQuery({ name: 'to', description: `${window} before this`, ...time }),
    ApiQuery({ name: 'model', description: 'The model that was asked for', ...NAME }),
    ApiQuery({ name: 'rule', description: "The policy's rule", ...NAME }),
    ApiQuery({ name: 'reviewer', description: 'Who decided', ...PERSON }),
    ApiQuery({ name: 'verdict', required: false, schema: { type: 'string', enum: [...verdicts] } }),
    ApiQuery({
      name: 'limit',
      description: 'Rows at most; all of them unless given',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: MAX_EXPORT },
    }),
    ApiProduces(type),
    ApiOkResponse({ description, schema: { type: 'string' } }),
  );
}

@ApiTags('learning')
@Controller('v1/exports')
export class ExportsController {
  private readonly logger = new Logger(ExportsController.name);

  constructor(private readonly exports: ExportsService) {}

  @ApiOperation({
    summary: 'Export prompts and the answers that people approved',
    description:
      'For supervised fine-tuning. Jobs in success that a person released, oldest first. A connection that breaks off means that the file is not whole.',
  })
  @ApiExport(
    JSON_LINES,
    'Jobs that ended',
    RELEASING,
    'A line of JSON each: {"prompt": [messages], "completion": [message], "job_id", "model", "edited", "finished_at"}',
  )
  @ApiErrors('too_many_exports')
  @Allow('admin')
  @Get('sft.jsonl')
  exportSft(
    @Query() query: QueryParameters,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rows = this.exports.sft(caller, exportRequest(query, RELEASING), goneSignal(reply));
    return this.send(request, reply, { name: 'sft.jsonl', type: JSON_LINES }, rows);
  }

  @ApiOperation({
    summary: 'Export the answers that people approved beside those that they did not want',
    description:
      "For preference tuning. Chosen is the approved answer; rejected is the model's output that a person changed, or each one that was sent back for the same payload. Oldest first, as in sft.jsonl.",
  })
  @ApiExport(
    JSON_LINES,
    'Jobs that ended',
    RELEASING,
    'A line of JSON each: {"prompt": [messages], "chosen": [message], "rejected": [message], "job_id", "kind": "edit" or "regenerate", "model", "finished_at"}',
  )
  @ApiErrors('too_many_exports')
  @Allow('admin')
  @Get('preferences.jsonl')
  exportPreferences(
    @Query() query: QueryParameters,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rows = this.exports.preferences(caller, exportRequest(query, RELEASING), goneSignal(reply));
    return this.send(request, reply, { name: 'preferences.jsonl', type: JSON_LINES }, rows);
  }

  @ApiOperation({
    summary: 'Export the decisions on jobs that have ended',
    description:
      "People's, a policy's, and those that are only for the record, oldest first, without payloads and answers. Cells that a spreadsheet would take for a formula begin with an apostrophe.",
  })
  @ApiExport(CSV, 'Decisions made', VERDICTS, 'CSV with a header; docs/learning.md explains the columns')
  @ApiErrors('too_many_exports')
  @Allow('admin')
  @Get('decisions.csv')
  exportDecisions(
    @Query() query: QueryParameters,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rows = this.exports.decisions(caller, exportRequest(query, VERDICTS), goneSignal(reply));
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

/** @throws DomainError invalid_request */
function exportRequest(query: QueryParameters, verdicts: readonly Verdict[]): ExportRequest {
  onlyParameters(query, ['from', 'to', 'model', 'rule', 'reviewer', 'verdict', 'limit']);
  return {
    from: timeParameter(query, 'from'),
    to: timeParameter(query, 'to'),
    model: nameParameter(query, 'model'),
    rule: nameParameter(query, 'rule'),
    reviewer: personParameter(query, 'reviewer'),
    verdict: choiceParameter(query, 'verdict', verdicts),
    limit: limitParameter(query, Infinity, MAX_EXPORT),
  };
}
