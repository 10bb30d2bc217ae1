import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { HistoryReader, Turns, type Caller, type History, type Job } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { JobId } from '../http/path';
import { JobsService } from '../jobs/jobs.service';
import { ChainDto, toChain } from './chain.dto';
import { ChainService } from './chain.service';
import { HistoryDto, toHistory } from './history.dto';
import { ApiErrors } from '../openapi/api-errors';

/** Histories that are read at once, each with all responses that a job ever had. */
const MAX_READS = 2;

@ApiTags('history')
@Controller('v1')
export class HistoryController {
  private readonly large = new Turns(
    MAX_READS,
    'Too many histories are being read. Try again in a few seconds.',
  );

  constructor(
    private readonly jobs: JobsService,
    private readonly histories: HistoryReader,
    private readonly chains: ChainService,
  ) {}

  @ApiOperation({
    summary: 'Read the history of a job, as its submitter may',
    description:
      'Who did what and when, and the response that was approved. What reviewers refused, changed or said among themselves is at /v1/reviews/{id}/history.',
  })
  @ApiOkResponse({ type: HistoryDto })
  @ApiErrors('job_not_found')
  @Allow('jobs:read')
  @Get('jobs/:id/history')
  async getHistory(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<HistoryDto> {
    const { job, history } = await this.read(caller, id);
    return toHistory(job, history, 'submitter');
  }

  @ApiOperation({
    summary: 'Read the whole history of a job, as reviewers may',
    description: 'Each response, diff and verdict, who and why; those that nobody has judged yet, too.',
  })
  @ApiOkResponse({ type: HistoryDto })
  @ApiErrors('job_not_found')
  @Allow('reviews:read')
  @Get('reviews/:id/history')
  async getReviewHistory(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<HistoryDto> {
    const { job, history } = await this.read(caller, id);
    return toHistory(job, history, 'reviewer');
  }
  @ApiOperation({
    summary: 'Verify the audit log of a job',
    description:
      'Computes the hash of every event anew: whether each follows from the one before, none is missing, and the job, its responses and its decisions are what they say. What does not fit is named, and nothing of what it says.',
  })
  @ApiOkResponse({ type: ChainDto })
  @ApiErrors('job_not_found')
  @Allow('reviews:read')
  @Get('reviews/:id/chain')
  async getReviewChain(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<ChainDto> {
    return toChain(await this.chains.verify(caller, id));
  }

  private async read(caller: Caller, id: string): Promise<{ job: Job; history: History }> {
    const job = await this.jobs.get(caller, id);
    return { job, history: await this.large.take(() => this.histories.read(job)) };
  }
}
