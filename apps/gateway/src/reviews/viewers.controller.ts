import { Controller, Delete, HttpCode, Param, Put } from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import { DomainError, isJobId, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { quote } from '../http/parameters';
import { JobsService } from '../jobs/jobs.service';
import { Viewers } from './viewers.service';
import { ApiErrors } from '../openapi/api-errors';

const JOB_ID = { name: 'id', format: 'uuid' } as const;

class ViewersDto {
  @ApiProperty({
    type: [String],
    description: 'Who looks at the job, you among them unless there are too many',
  })
  viewers: string[];
}

@ApiTags('reviews')
@Controller('v1/reviews/:id/viewers')
export class ViewersController {
  constructor(
    private readonly jobs: JobsService,
    private readonly viewers: Viewers,
  ) {}

  @ApiOperation({
    summary: 'Say that you look at a job, and learn who else does',
    description:
      'It counts for 25 seconds: say it again every 10. It claims nothing, and is not recorded. Whoever follows /v1/events is told of each change. At most 20 people at a job, and 10,000 jobs, are kept in mind: whoever comes then is not listed.',
  })
  @ApiParam(JOB_ID)
  @ApiOkResponse({ type: ViewersDto })
  @ApiErrors('job_not_found')
  @Allow('reviewer')
  @Put()
  async viewReview(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<ViewersDto> {
    const jobId = id.toLowerCase();
    const { name: actor, project } = caller;
    // Whoever says it again has named a job that there is.
    if (!this.viewers.of(caller, jobId).includes(actor)) await this.jobs.idOf(caller, jobId);
    this.viewers.tell({ jobId, project, actor, looks: true });
    return { viewers: this.viewers.of(caller, jobId) };
  }

  @ApiOperation({ summary: 'Say that you no longer look at a job' })
  @ApiParam(JOB_ID)
  @ApiNoContentResponse({ description: 'You do not count as looking at it now' })
  @ApiErrors('job_not_found')
  @Allow('reviewer')
  @Delete()
  @HttpCode(204)
  leaveReview(@Param('id') id: string, @CurrentCaller() caller: Caller): void {
    if (!isJobId(id)) throw new DomainError('job_not_found', `There is no job ${quote(id)}.`);
    const jobId = id.toLowerCase();
    const { name: actor, project } = caller;
    if (this.viewers.of(caller, jobId).includes(actor))
      this.viewers.tell({ jobId, project, actor, looks: false });
  }
}
