import { Injectable } from '@nestjs/common';
import {
  SummaryReader,
  Turns,
  type ReviewPosition,
  type Scope,
  type Summary,
  type SummaryFilter,
} from '@hitl/domain';

/** Lists that are read at once: each keeps two connections to the database busy. */
const MAX_AT_ONCE = 3;

/** Lists of what waits for a human, without what it is about. */
@Injectable()
export class SummariesService {
  private readonly turns = new Turns(
    MAX_AT_ONCE,
    'Too many lists of reviews are being read. Try again in a few seconds.',
  );

  constructor(private readonly reader: SummaryReader) {}

  /** As {@link SummaryReader.waiting}; and how many there are in all, as {@link SummaryReader.count}. */
  async list(
    scope: Scope,
    filter: SummaryFilter,
    page: { after?: ReviewPosition; limit: number },
  ): Promise<{ jobs: Summary[]; next: ReviewPosition | null; total: number }> {
    const [found, total] = await this.turns.take(() =>
      Promise.all([this.reader.waiting(scope, filter, page), this.reader.count(scope, filter)]),
    );
    return { ...found, total };
  }
}
