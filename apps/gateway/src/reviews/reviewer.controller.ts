import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CallerGuard, CurrentCaller } from '../http/caller';

class ReviewerDto {
  @ApiProperty({ description: 'Whom your claims and decisions are by', example: 'alice' })
  name: string;

  @ApiProperty({ description: 'Whether you may choose the name, by the header x-hitl-actor' })
  may_choose: boolean;
}

@ApiTags('reviews')
@Controller('v1/reviewer')
export class ReviewerController {
  constructor(private readonly guard: CallerGuard) {}

  @ApiOperation({
    summary: 'Ask who you are',
    description:
      'The name in x-hitl-actor where the gateway listens on loopback alone and takes it, else local. A name that is not understood or not taken is refused, here and everywhere: ask without one first.',
  })
  @ApiOkResponse({ type: ReviewerDto })
  @Allow('submitter', 'reviewer', 'admin')
  @Get()
  getReviewer(@CurrentCaller() { name }: Caller): ReviewerDto {
    return { name, may_choose: this.guard.mayChoose };
  }
}
