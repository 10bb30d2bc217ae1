import { Controller, Delete, HttpCode, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Actor } from '../http/actor';
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
      'It counts for 25 seconds: say it again every 10. It claims nothing, and is not recorded. Whoever follows /v1/events is told of each change. At most 20 people at a job, and 10,000 jobs, are kept in mind: whoever comes then is not listed.',
  })
  @ApiOkResponse({ type: ViewersDto })
  @ApiErrors('job_not_found')
  @Put()
  async viewReview(@JobId() jobId: string, @Actor() actor: string): Promise<ViewersDto> {
    // Whoever says it again has named a job that there is.
    if (!this.viewers.of(jobId).includes(actor)) await this.jobs.idOf(jobId);
    this.viewers.tell({ jobId, actor, looks: true });
    return { viewers: this.viewers.of(jobId) };
  }

  @ApiOperation({ summary: 'Say that you no longer look at a job' })
  @ApiNoContentResponse({ description: 'You do not count as looking at it now' })
  @ApiErrors('job_not_found')
  @Delete()
  @HttpCode(204)
  leaveReview(@JobId() jobId: string, @Actor() actor: string): void {
    if (this.viewers.of(jobId).includes(actor)) this.viewers.tell({ jobId, actor, looks: false });
  }
}
