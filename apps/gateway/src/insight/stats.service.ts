import { Injectable } from '@nestjs/common';
import { DomainError, isStatementTimeout, StatsReader, type Stats, type StatsWindow } from '@hitl/domain';

@Injectable()
export class StatsService {
  constructor(private readonly reader: StatsReader) {}

  /** @throws DomainError unavailable when the window holds more than can be counted in time */
  async read(window: StatsWindow): Promise<Stats> {
    try {
      return await this.reader.read(window);
    } catch (error) {
      if (!isStatementTimeout(error)) throw error;
      throw new DomainError(
        'unavailable',
        'The window holds more than the database counts in ten seconds. Ask for a shorter one, or later.',
      );
    }
  }
}
