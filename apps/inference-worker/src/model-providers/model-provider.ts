import type { Json } from '@hitl/domain';

/** A model behind an API, or a stand-in for one. One file each. */
export abstract class ModelProvider {
  abstract readonly name: string;

  /**
   * One call. Ends early when the signal fires.
   * @returns the provider's whole answer
   * @throws ModelError
   */
  abstract infer(payload: Json, signal: AbortSignal): Promise<Json>;
}

/** A call that brought no answer. */
export class ModelError extends Error {
  override name = 'ModelError';

  /**
   * @param message what went wrong, for the people who run it; logged
   * @param retryable whether the same call may succeed later
   * @param retryAfterMs the provider's own wish, in milliseconds
   * @param quote the provider's own words. They may repeat what was asked, so they are stored and never logged.
   */
  constructor(
    message: string,
    readonly retryable: boolean,
    readonly retryAfterMs?: number,
    private readonly quote?: string,
  ) {
    super(message);
  }

  /** What went wrong in full, for those who may see the job. */
  get detail(): string {
    return this.quote === undefined ? this.message : `${this.message}: ${this.quote}`;
  }
}
