import { Controller, Delete, HttpCode, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { JobId } from '../http/path';
import { JobsService } from '../jobs/jobs.service';
import { Viewers } from './viewers.service';
import { ApiErrors } from '../openapi/api-errors';

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
      'It counts for 25 seconds: say it again every 10. It claims nothing, and is not recorded. Clients that follow /v1/events are notified of each change. At most 20 people at a job, and 10,000 jobs, are kept in memory: people who come later are not listed.',
  })
  @ApiOkResponse({ type: ViewersDto })
  @ApiErrors('job_not_found')
  @Allow('reviews:write')
  @Put()
  async viewReview(@JobId() jobId: string, @CurrentCaller() caller: Caller): Promise<ViewersDto> {
    const { name: actor, project } = caller;
    // A repeated call has named a job that exists.
    if (!this.viewers.of(caller, jobId).includes(actor)) await this.jobs.idOf(caller, jobId);
    this.viewers.publish({ jobId, project, actor, looks: true });
    return { viewers: this.viewers.of(caller, jobId) };
  }

  @ApiOperation({ summary: 'Say that you no longer look at a job' })
  @ApiNoContentResponse({ description: 'You do not count as looking at it now' })
  @ApiErrors('job_not_found')
  @Allow('reviews:write')
  @Delete()
  @HttpCode(204)
  leaveReview(@JobId() jobId: string, @CurrentCaller() caller: Caller): void {
    const { name: actor, project } = caller;
    if (this.viewers.of(caller, jobId).includes(actor))
      this.viewers.publish({ jobId, project, actor, looks: false });
  }
}
