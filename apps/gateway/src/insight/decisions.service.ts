import { Injectable } from '@nestjs/common';
import {
  DecisionReader,
  type DecisionFilter,
  type DecisionPosition,
  type ListedDecision,
  type Scope,
} from '@hitl/domain';

/** Lists of what was decided. */
@Injectable()
export class DecisionsService {
  constructor(private readonly reader: DecisionReader) {}

  /** Newest first. There may be fewer than `limit`, or none, although `next` is not null: go on there. */
  list(
    scope: Scope,
    filter: DecisionFilter,
    page: { after?: DecisionPosition; limit: number },
  ): Promise<{ decisions: ListedDecision[]; next: DecisionPosition | null }> {
    return this.reader.list(scope, filter, page);
  }
}
