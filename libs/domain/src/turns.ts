import { DomainError } from './errors';

/** How long a read for a client waits for its turn, in milliseconds. */
const DEFAULT_TURN_TIMEOUT_MS = 10_000;

interface Turn {
  begin: () => void;
  patience: NodeJS.Timeout | undefined;
}

/** Lets so much work go on side by side; what is more waits for its turn, in the order in which it came. */
export class Turns {
  private running = 0;
  private readonly waiting: Turn[] = [];

  /**
   * @param most how much may go on at once
   * @param refusal what is told whose turn did not come in time
   */
  constructor(
    private readonly most: number,
    private readonly refusal: string,
  ) {}

  /**
   * @param maxWaitMs how long it waits for its turn, in milliseconds (default 10,000); Infinity: as long as it takes
   * @throws DomainError unavailable when its turn did not come in time
   */
  async take<T>(work: () => Promise<T>, maxWaitMs = DEFAULT_TURN_TIMEOUT_MS): Promise<T> {
    if (this.running < this.most) this.running += 1;
    else await this.wait(maxWaitMs);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // It takes over this one's place.
      if (next) next.begin();
      else this.running -= 1;
    }
  }

  private wait(maxWaitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn: Turn = {
        begin: () => {
          clearTimeout(turn.patience);
          resolve();
        },
        patience: undefined,
      };
      this.waiting.push(turn);
      if (maxWaitMs === Infinity) return;
      turn.patience = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(turn), 1);
        reject(new DomainError('unavailable', this.refusal));
      }, maxWaitMs);
    });
  }
}
