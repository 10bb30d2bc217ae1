import { MAX_NOTES_COUNTED, type Obstacle, type ReviewPosition, type Summary } from '@hitl/domain';
import {
  BooleanField,
  IntegerField,
  PersonField,
  TextField,
  TimeField,
  UuidField,
  WithoutField,
} from '../http/fields';
import { CursorField, ListField, UuidListField } from '../http/list-fields';
import { LimitField, Page } from '../http/page';
import { DecidableField, isReviewPosition } from './review.dto';
import { ApiObstacle, toWaiting, WaitingReview } from './waiting.dto';

/** Entries that one page has at most. */
const MAX_LIST = 1000;
/** Ids that one request may name. */
const MAX_IDS = 200;

const FilterField = (description: string) => TextField({ description, max: 200, optional: true });

/** Which jobs that wait to list. */
export class ListReviewSummaries {
  @FilterField('A part of what was asked, in any letter case')
  q?: string;

  @IntegerField({ min: 0, max: 9, optional: true })
  priority?: number;

  @DecidableField()
  decidable?: boolean;

  @BooleanField({ description: 'true: only what nobody has', optional: true })
  unclaimed?: boolean;

  @PersonField({ description: 'Who has it now', optional: true })
  claimed_by?: string;

  @WithoutField(['model', 'rule', 'group'], {
    description:
      'Only those that have none; what has no group is for everybody. Not together with the filter of that name',
  })
  without?: 'model' | 'rule' | 'group';

  @FilterField('The group whose members may review')
  group?: string;

  @FilterField("The policy's rule")
  rule?: string;

  @FilterField('The model that was asked for')
  model?: string;

  @UuidListField({
    description: `Only these, ${MAX_IDS} at most, with commas between: what has become of jobs that are shown already`,
    most: MAX_IDS,
    optional: true,
  })
  ids?: string[];

  @CursorField(isReviewPosition)
  cursor?: ReviewPosition;

  @LimitField(MAX_LIST)
  limit: number;
}

/** A job that waits for a human, in one line. */
class ReviewSummary extends WaitingReview {
  @UuidField()
  id: string;

  @TextField({
    max: 200,
    description: 'What was asked: the last user message of a chat; else the prompt, or the payload as text',
  })
  asked: string;

  @TextField({ nullable: true, description: 'The model that the payload asks for' })
  model: string | null;

  @IntegerField({ min: 0, max: 9 })
  priority: number;

  @IntegerField({ description: 'The number of the response that a decision judges' })
  revision: number;

  @BooleanField({ description: 'Whether a human has changed the response' })
  edited: boolean;

  @IntegerField({ description: 'How many response_violations the response has' })
  violations: number;

  @TimeField()
  created_at: string;

  @IntegerField({
    max: MAX_NOTES_COUNTED,
    description: `How many notes reviewers have left, counted up to ${MAX_NOTES_COUNTED}`,
  })
  notes_count: number;

  @ApiObstacle()
  not_decidable_because: Obstacle | null;
}

export class ReviewSummaryPage extends Page {
  @ListField(ReviewSummary)
  data: ReviewSummary[];

  @IntegerField({ max: 10_000, description: 'How many there are, counted up to 10,000' })
  total: number;
}

export function toSummary(job: Summary, obstacle: Obstacle | null): ReviewSummary {
  return Object.assign(toWaiting(job), {
    id: job.id,
    asked: job.asked ?? '',
    model: job.model,
    priority: job.priority,
    revision: job.revision,
    edited: job.edited,
    violations: job.violations,
    created_at: job.createdAt.toISOString(),
    notes_count: job.notesCount,
    not_decidable_because: obstacle,
  });
}
