import { Controller, UseFilters, UseGuards } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { DeskRules } from '@hitl/domain';
import {
  ClaimNextReview,
  ClaimReview,
  DecideReview,
  EditReview,
  NoteReview,
  ReadDesk,
  ReleaseReview,
  RestoreRevision,
  RethrowFilter,
  ReviewRequested,
  UndoDecision,
  type ClaimReply,
  type ReviewReply,
} from '@hitl/messaging';
import { ReviewersGuard } from './reviewers.guard';
import { ClaimsService } from './claims.service';
import { VerdictsService } from './verdicts.service';
import { RevisionsService } from './revisions.service';

@Controller()
@UseGuards(ReviewersGuard)
@UseFilters(RethrowFilter)
export class ReviewsConsumer {
  constructor(
    private readonly revisions: RevisionsService,
    private readonly claims: ClaimsService,
    private readonly verdicts: VerdictsService,
  ) {}

  @EventPattern(ReviewRequested.pattern)
  onRequested(@Payload() { jobId }: ReviewRequested): Promise<void> {
    return this.revisions.accept(jobId);
  }

  @MessagePattern(ClaimNextReview.pattern)
  claimNext(@Payload() request: ClaimNextReview): Promise<ClaimReply> {
    return this.claims.claimNext(request);
  }

  @MessagePattern(ClaimReview.pattern)
  claim(@Payload() request: ClaimReview): Promise<ClaimReply> {
    return this.claims.claim(request);
  }

  @MessagePattern(ReleaseReview.pattern)
  release(@Payload() request: ReleaseReview): Promise<ClaimReply> {
    return this.claims.release(request);
  }

  @MessagePattern(DecideReview.pattern)
  decide(@Payload() request: DecideReview): Promise<ReviewReply> {
    return this.verdicts.decide(request);
  }

  @MessagePattern(UndoDecision.pattern)
  undo(@Payload() request: UndoDecision): Promise<ReviewReply> {
    return this.verdicts.undo(request);
  }

  @MessagePattern(EditReview.pattern)
  edit(@Payload() change: EditReview): Promise<ReviewReply> {
    return this.revisions.edit(change);
  }

  @MessagePattern(RestoreRevision.pattern)
  restore(@Payload() wish: RestoreRevision): Promise<ReviewReply> {
    return this.revisions.restore(wish);
  }

  @MessagePattern(ReadDesk.pattern)
  desk(@Payload() reviewer: ReadDesk): DeskRules {
    return this.revisions.deskOf(reviewer);
  }

  @MessagePattern(NoteReview.pattern)
  note(@Payload() note: NoteReview): Promise<ClaimReply> {
    return this.revisions.note(note);
  }
}
