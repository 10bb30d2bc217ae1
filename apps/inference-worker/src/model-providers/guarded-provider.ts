import { Logger } from '@nestjs/common';
import type { ProviderSettings } from '@hitl/config';
import { JsonText } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import {
  bulkhead,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
  type BulkheadPolicy,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { ModelError, type ModelProvider } from './model-provider';

/** As hitl_circuit_state shows it. */
const SHOWN_STATE = {
  [CircuitState.Closed]: 0,
  [CircuitState.HalfOpen]: 1,
  [CircuitState.Open]: 2,
  [CircuitState.Isolated]: 2,
};

/** What ends a call before its answer. */
export interface Limits {
  /** The job is no longer this worker's. */
  lost: AbortSignal;
  /** The attempt's time is over. */
  overall: AbortSignal;
  /** Whether to wait for a slot when all are taken. */
  mayWait: boolean;
}

/** A provider within the bounds that its settings give: calls at once, time, circuit. */
export class GuardedProvider {
  private readonly logger = new Logger('Model');
  private readonly slots: BulkheadPolicy;
  private readonly circuit?: CircuitBreakerPolicy;
  private openedAt = 0;

  constructor(
    readonly name: string,
    private readonly settings: ProviderSettings,
    private readonly provider: ModelProvider,
  ) {
    this.slots = bulkhead(settings.concurrency ?? Infinity, Infinity);
    if (settings.circuit_breaker) {
      this.circuit = circuitBreaker(
        handleWhen((error) => error instanceof ModelError && error.retryable),
        {
          breaker: new ConsecutiveBreaker(settings.circuit_breaker.failures),
          halfOpenAfter: settings.circuit_breaker.reset_ms,
        },
      );
      this.circuit.onBreak(() => (this.openedAt = Date.now()));
      metrics.circuitState.set({ provider: name }, 0);
      this.circuit.onStateChange((state) => {
        metrics.circuitState.set({ provider: name }, SHOWN_STATE[state]);
        this.logger.warn(`the circuit of ${name} is ${CircuitState[state]}`);
      });
    }
  }

  /** Wins over the price of the route. */
  get price(): ProviderSettings['price'] {
    return this.settings.price;
  }

  /**
   * One call.
   * @param headers of a request of Anthropic's Messages API; null: it is another one
   * @throws ModelError, also when the bounds do not let it happen; anything once `lost` has fired
   */
  async infer(
    payload: JsonText,
    limits: Limits,
    headers: Record<string, string> | null = null,
  ): Promise<JsonText> {
    const { lost, overall, mayWait } = limits;
    if (headers !== null && !this.provider.inferMessage) throw this.noMessages();
    if (!mayWait && this.slots.executionSlots <= 0) {
      throw new ModelError(`All ${String(this.settings.concurrency)} slots of ${this.name} are taken.`, true);
    }
    const ended = AbortSignal.any([lost, overall]);
    ended.throwIfAborted();
    return new Promise((resolve, reject) => {
      // Whoever waits for a slot cannot leave cockatiel's queue: the turn comes later and ends at once. Nor may the
      // queue know the signal: it forgets the next in line when one was aborted there.
      const giveUp = (): void => {
        reject(new ModelError(`No slot of ${this.name} became free in time.`, true));
      };
      ended.addEventListener('abort', giveUp, { once: true });
      this.slots
        .execute(() => {
          ended.removeEventListener('abort', giveUp);
          ended.throwIfAborted();
          return this.unlessOpen(() => this.call(payload, limits, headers));
        })
        .then(resolve, reject);
    });
  }

  private async unlessOpen(call: () => Promise<JsonText>): Promise<JsonText> {
    if (!this.circuit) return call();
    // cockatiel would let it wait for the outcome of the one call that tries the provider.
    if (this.circuit.state === CircuitState.HalfOpen) {
      throw new ModelError(`The circuit of ${this.name} is open; one call is trying it.`, true);
    }
    try {
      return await this.circuit.execute(call);
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      const rest = this.openedAt + Number(this.settings.circuit_breaker?.reset_ms) - Date.now();
      const last = this.circuit.lastFailure;
      const reason = last && 'error' in last ? last.error.message : 'failures';
      // Not the detail, which is another job's.
      throw new ModelError(`The circuit of ${this.name} is open after: ${reason}`, true, {
        retryAfterMs: Math.max(0, rest),
      });
    }
  }

  private noMessages(): ModelError {
    const { type } = this.settings;
    return new ModelError(
      `A provider of type ${type} takes no requests of Anthropic's Messages API. Ask for a model whose provider is of type anthropic, or send the request to /v1/chat/completions.`,
      false,
      { passesOn: true },
    );
  }

  private async call(
    payload: JsonText,
    { lost, overall }: Limits,
    headers: Record<string, string> | null,
  ): Promise<JsonText> {
    const { model, timeout_ms } = this.settings;
    const limit = timeLimit(timeout_ms);
    const stopTimer = metrics.inferenceDuration.startTimer({ provider: this.name });
    try {
      const asked =
        model !== undefined && payload.isObject ? payload.with('model', JsonText.of(model)) : payload;
      const signal = AbortSignal.any([lost, overall, limit.signal]);
      if (headers === null || !this.provider.inferMessage) return await this.provider.infer(asked, signal);
      return await this.provider.inferMessage(asked, signal, headers);
    } catch (error) {
      if (lost.aborted || error instanceof ModelError) throw error;
      limit.signal.throwIfAborted();
      overall.throwIfAborted();
      this.logger.error(error);
      throw new ModelError(`The provider ${this.name} failed: ${String(error)}`, false);
    } finally {
      stopTimer();
      limit.end();
    }
  }
}

/** A signal that fires after `ms` milliseconds with a ModelError as its reason, unless it was ended before. */
export function timeLimit(ms: number): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new ModelError(`The model did not respond within ${ms} ms.`, true));
  }, ms);
  return { signal: controller.signal, end: () => clearTimeout(timer) };
}
