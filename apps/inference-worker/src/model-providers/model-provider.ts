import type { JsonText, ModelFailure } from '@hitl/domain';

/** A model behind an API, or a stand-in for one. One file each. */
export interface ModelProvider {
  /**
   * One call. Ends early when the signal fires.
   * @returns the whole answer, as it came; a chat gets one in the shape of a chat completion
   * @throws ModelError
   */
  infer(payload: JsonText, signal: AbortSignal): Promise<JsonText>;
  /**
   * The same for a request of Anthropic's Messages API, with the headers that go along.
   * @returns a message, as it came
   * @throws ModelError; absent: the provider cannot take such a request
   */
  inferMessage?(payload: JsonText, signal: AbortSignal, headers: Record<string, string>): Promise<JsonText>;
}

/** A call that brought no answer. */
export class ModelError extends Error {
  override name = 'ModelError';

  /**
   * What went wrong in full. It may repeat what was asked: it is stored with the job and told to the submitter, never
   * logged, and names neither keys nor internal addresses.
   */
  readonly detail: string;
  /** The provider's own wish, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The provider that was asked last. */
  readonly provider?: string;
  /** The provider's own words for it; null where it was never heard. */
  readonly failure: ModelFailure | null;
  /** Whether the route's next provider may be asked instead. */
  readonly passesOn: boolean;

  /**
   * @param message what went wrong, for the people who run it; logged
   * @param retryable whether the same call may succeed later
   * @param more `detail` is the message by default; `passesOn` is as `retryable`
   */
  constructor(
    message: string,
    readonly retryable: boolean,
    more: {
      detail?: string;
      retryAfterMs?: number;
      provider?: string;
      failure?: ModelFailure | null;
      passesOn?: boolean;
    } = {},
  ) {
    super(message);
    this.detail = more.detail ?? message;
    this.retryAfterMs = more.retryAfterMs;
    this.provider = more.provider;
    this.failure = more.failure ?? null;
    this.passesOn = more.passesOn ?? retryable;
  }
}
