import { Injectable } from '@nestjs/common';
import { SummaryReader, type ReviewPosition, type Summary, type SummaryFilter } from '@hitl/domain';

/** Lists of what waits for a human, without what it is about. */
@Injectable()
export class SummariesService {
  constructor(private readonly reader: SummaryReader) {}

  /** Most urgent first; and how many there are in all, counted up to 10,000. */
  async list(
    filter: SummaryFilter,
    page: { after?: ReviewPosition; limit: number },
  ): Promise<{ jobs: Summary[]; total: number }> {
    const [jobs, total] = await Promise.all([this.reader.waiting(filter, page), this.reader.count(filter)]);
    return { jobs, total };
  }
}
