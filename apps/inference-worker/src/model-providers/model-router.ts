import { fits, type Price } from '@hitl/config';
import { isJsonObject, type JsonText, type Usage } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import { timeLimit, type GuardedProvider } from './guarded-provider';
import { ModelError } from './model-provider';
import { usageOf } from './usage';

/** Longest piece of a model's name that a message repeats, in characters. */
const MAX_NAME_LENGTH = 200;

/** Who answers for the models that fit a name, in the order in which they are tried. */
export interface Route {
  name: string;
  providers: GuardedProvider[];
  price?: Price;
}

export interface Answer {
  response: JsonText;
  /** Which provider answered. */
  provider: string;
  /** Null when the provider does not say. */
  usage: Usage | null;
}

/** Asks the providers of the first route that takes the payload's model, one after the other. */
export class ModelRouter {
  /** @param timeoutMs what one attempt may take in all, in milliseconds */
  constructor(
    private readonly routes: Route[],
    private readonly timeoutMs: number,
  ) {}

  /**
   * One attempt. The next provider is asked after a failure that may pass, while a circuit is open, and instead of one
   * whose slots are all taken; only the last one is waited for.
   * @param lost ends the attempt early
   * @param headers of a request of Anthropic's Messages API; null: it is another one
   * @throws ModelError that says what each provider said; anything once `lost` has fired
   */
  async infer(
    payload: JsonText,
    lost: AbortSignal,
    headers: Record<string, string> | null = null,
  ): Promise<Answer> {
    const route = this.routeFor(payload);
    const limit = timeLimit(this.timeoutMs);
    const failures: { provider: string; error: ModelError }[] = [];
    try {
      for (const [index, provider] of route.providers.entries()) {
        const isLast = index === route.providers.length - 1;
        try {
          const limits = { lost, overall: limit.signal, mayWait: isLast };
          const response = await provider.infer(payload, limits, headers);
          return {
            response,
            provider: provider.name,
            usage: usageOf(response.value, provider.price ?? route.price),
          };
        } catch (error) {
          if (lost.aborted || !(error instanceof ModelError)) throw error;
          failures.push({ provider: provider.name, error });
          if (isLast || !error.passesOn || limit.signal.aborted) break;
          metrics.inferenceAttempts.inc({ provider: provider.name, outcome: 'passed_on' });
        }
      }
    } finally {
      limit.end();
    }
    throw summary(failures);
  }

  private routeFor({ value: payload }: JsonText): Route {
    const model = isJsonObject(payload) && typeof payload.model === 'string' ? payload.model : undefined;
    const found = this.routes.find(({ name }) => fits(name, model));
    if (found) return found;
    const offered = `Offered: ${this.routes.map(({ name }) => name).join(', ')}.`;
    if (model === undefined) throw new ModelError(`The payload names no model. ${offered}`, false);
    const asked = JSON.stringify(model.slice(0, MAX_NAME_LENGTH));
    throw new ModelError(`No provider takes the model. ${offered}`, false, {
      detail: `No provider takes the model ${asked}. ${offered}`,
    });
  }
}

function summary(failures: { provider: string; error: ModelError }[]): ModelError {
  const wishes = failures.map(({ error }) => error.retryAfterMs).filter((wish) => wish !== undefined);
  const said = (what: 'message' | 'detail'): string =>
    failures
      .map(({ provider, error }) => (failures.length > 1 ? `${provider}: ${error[what]}` : error[what]))
      .join('\n');
  return new ModelError(
    said('message'),
    failures.some(({ error }) => error.retryable),
    {
      detail: said('detail'),
      retryAfterMs: wishes.length > 0 ? Math.min(...wishes) : undefined,
      provider: failures.at(-1)?.provider,
      failure: failures.findLast(({ error }) => error.failure)?.error.failure,
    },
  );
}
