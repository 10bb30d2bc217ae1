import { Logger, type FactoryProvider } from '@nestjs/common';
import { Config } from '@hitl/config';
import type { Json } from '@hitl/domain';
import { createDemoProvider } from './demo.provider';
import { createHttpProvider } from './http.provider';
import { createOpenAiProvider } from './openai.provider';

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
   * @param message what went wrong, for the people who run it
   * @param retryable whether the same call may succeed later
   * @param retryAfterMs the provider's own wish, in milliseconds
   */
  constructor(
    message: string,
    readonly retryable: boolean,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** The provider that MODEL_PROVIDER names. */
export const modelProvider: FactoryProvider<ModelProvider> = {
  provide: ModelProvider,
  inject: [Config],
  useFactory: (config: Config) => {
    switch (config.MODEL_PROVIDER) {
      case 'demo':
        new Logger('Model').warn(
          'MODEL_PROVIDER=demo: answers come from a demo model, not an LLM. Set MODEL_PROVIDER and MODEL_BASE_URL for a real one.',
        );
        return createDemoProvider();
      case 'openai':
        return createOpenAiProvider(config);
      case 'http':
        return createHttpProvider(config);
    }
  },
};
