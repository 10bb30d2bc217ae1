import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { isJobId, JOB_STATUSES } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { Actor } from '../http/actor';
import {
  cursorParameter,
  encodeCursor,
  LARGEST_PAGE,
  limitParameter,
  onlyParameters,
  statusParameter,
  USUAL_PAGE,
  type Query as QueryParameters,
} from '../http/parameters';
import { etagOf, forSubmitter, JobDto, JobPage, SubmitJob, toPage } from './job.dto';
import { JobsService } from './jobs.service';

const isId = (value: unknown): value is string => typeof value === 'string' && isJobId(value);

@ApiTags('jobs')
@Controller('v1/jobs')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  @ApiOperation({
    summary: 'Submit a request to the model',
    description: 'The job is durable before the answer.',
  })
  @ApiAcceptedResponse({
    type: JobDto,
    headers: { Location: { description: 'Where the job is', schema: { type: 'string' } } },
  })
  @Post()
  @HttpCode(202)
  async submitJob(
    @Body() body: SubmitJob,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto> {
    const job = await this.jobs.submit(body, actor);
    reply.header('location', `/v1/jobs/${job.id}`).header('etag', etagOf(job));
    return forSubmitter(job);
  }

  @ApiOperation({ summary: 'List jobs, newest first' })
  @ApiQuery({ name: 'status', enum: JOB_STATUSES, enumName: 'JobStatus', required: false })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE, default: USUAL_PAGE },
  })
  @ApiQuery({
    name: 'cursor',
    required: false,
    description: 'next_cursor of the page before',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ type: JobPage })
  @Get()
  async listJobs(@Query() query: QueryParameters): Promise<JobPage> {
    onlyParameters(query, ['status', 'limit', 'cursor']);
    const limit = limitParameter(query);
    const jobs = await this.jobs.newest({
      status: statusParameter(query),
      before: cursorParameter(query, isId),
      limit: limit + 1,
    });
    return toPage(jobs, limit, forSubmitter, (job) => encodeCursor(job.id));
  }

  @ApiOperation({
    summary: 'Read a job',
    description: 'The answer is null until a human has approved it. The ETag is the revision.',
  })
  @ApiParam({ name: 'id', format: 'uuid' })
  @ApiOkResponse({ type: JobDto })
  @Get(':id')
  async getJob(@Param('id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<JobDto> {
    const job = await this.jobs.get(id);
    reply.header('etag', etagOf(job));
    return forSubmitter(job);
  }

  @ApiOperation({
    summary: 'Cancel a job that has not ended',
    description: 'It ends in fail, with the reason cancelled.',
  })
  @ApiParam({ name: 'id', format: 'uuid' })
  @ApiOkResponse({ type: JobDto })
  @Post(':id/cancel')
  @HttpCode(200)
  async cancelJob(@Param('id') id: string, @Actor() actor: string): Promise<JobDto> {
    return forSubmitter(await this.jobs.cancel(id, actor));
  }
}
