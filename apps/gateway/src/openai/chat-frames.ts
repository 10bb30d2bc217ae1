import { writeJson, type Job } from '@hitl/domain';
import { frameOf } from '../http/event-stream';
import { toChunks, toStreamedCompletion } from './chat';
import { withoutRole } from './withheld-responses';

/** How a completion is streamed. */
export interface StreamOptions {
  includeUsage: boolean;
  /** Signs of life came before it: they have named the role of the first choice. */
  hasBegun: boolean;
}

/** The frames of a stream with an approved completion. */
export function* framesOf(job: Job, { includeUsage, hasBegun }: StreamOptions): Generator<string> {
  for (const chunk of toChunks(toStreamedCompletion(job), includeUsage)) {
    yield frameOf({ data: writeJson(hasBegun ? withoutRole(chunk) : chunk) });
  }
}
