import { Body, Controller, Delete, Get, HttpCode, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { JobId } from '../http/path';
import { ApiErrors } from '../openapi/api-errors';
import { DraftDto, SaveDraft, toDraft } from './draft.dto';
import { ReviewsService } from './reviews.service';

@ApiTags('reviews')
@Controller('v1/reviews')
export class DraftsController {
  constructor(private readonly reviews: ReviewsService) {}

  @ApiOperation({ summary: 'Read your draft for a job' })
  @ApiOkResponse({ type: DraftDto })
  @ApiErrors('job_not_found', 'draft_not_found')
  @Allow('reviews:write')
  @Get(':id/draft')
  async getDraft(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<DraftDto> {
    return toDraft(await this.reviews.draft(caller, id));
  }

  @ApiOperation({
    summary: 'Save your draft for a job',
    description:
      'Instead of an earlier one. It is yours alone, and gone once your decision has taken effect or the job has ended.',
  })
  @ApiOkResponse({ type: DraftDto })
  @ApiErrors('job_not_found', 'job_not_waiting')
  @Allow('reviews:write')
  @Put(':id/draft')
  async saveDraft(
    @JobId() id: string,
    @Body() body: SaveDraft,
    @CurrentCaller() caller: Caller,
  ): Promise<DraftDto> {
    return toDraft(await this.reviews.saveDraft(caller, id, body));
  }

  @ApiOperation({ summary: 'Throw your draft for a job away' })
  @ApiNoContentResponse({ description: 'You have no draft for it now' })
  @ApiErrors('job_not_found')
  @Allow('reviews:write')
  @Delete(':id/draft')
  @HttpCode(204)
  async deleteDraft(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<void> {
    await this.reviews.deleteDraft(caller, id);
  }
}
