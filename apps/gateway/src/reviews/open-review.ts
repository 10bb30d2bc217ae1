import type { Caller, Job } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { etagOf } from '../jobs/job.dto';
import { DECIDE_LINK, JOB_HEADERS } from '../openapi/headers';
import { toRemarks } from './remarks.dto';
import { OpenReviewDto, toReview } from './review.dto';
import type { ReviewsService } from './reviews.service';

/** How the OpenAPI document describes {@link openReview}. */
export const REVIEW = {
  type: OpenReviewDto,
  description: 'The job as you see it',
  headers: JOB_HEADERS,
  links: DECIDE_LINK,
} as const;

/** A job as this reviewer sees it; its ETag goes into the reply. */
export async function openReview(
  reviews: ReviewsService,
  job: Job,
  caller: Caller,
  reply: FastifyReply,
): Promise<OpenReviewDto> {
  const [savedAt, obstacleOf, remarks] = await Promise.all([
    reviews.draftSavedAt(caller, job),
    reviews.obstacles(caller, [job]),
    reviews.remarks(job),
  ]);
  reply.header('etag', etagOf(job));
  return Object.assign(toReview(job, obstacleOf(job)), {
    draft_saved_at: savedAt?.toISOString() ?? null,
    remarks: toRemarks(remarks),
  });
}
