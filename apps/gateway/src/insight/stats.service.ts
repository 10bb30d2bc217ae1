import { Injectable } from '@nestjs/common';
import {
  DomainError,
  isStatementTimeout,
  StatsReader,
  Turns,
  type Scope,
  type Stats,
  type StatsWindow,
} from '@hitl/domain';

/** Windows that are counted at once: each keeps a connection to the database for up to ten seconds. */
const MAX_AT_ONCE = 2;

@Injectable()
export class StatsService {
  private readonly turns = new Turns(
    MAX_AT_ONCE,
    `This gateway counts ${MAX_AT_ONCE} windows already. Try again in a few seconds.`,
  );

  constructor(private readonly reader: StatsReader) {}

  /** @throws DomainError unavailable when the window holds more than can be counted in time */
  async read(scope: Scope, window: StatsWindow): Promise<Stats> {
    try {
      return await this.turns.take(() => this.reader.read(scope, window));
    } catch (error) {
      if (!isStatementTimeout(error)) throw error;
      throw new DomainError(
        'unavailable',
        'The window holds more than the database counts in ten seconds. Ask for a shorter one, or later.',
      );
    }
  }
}
