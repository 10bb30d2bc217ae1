import { Logger, type FactoryProvider } from '@nestjs/common';
import { Config } from '@hitl/config';
import { createDemoProvider } from './demo.provider';
import { createHttpProvider } from './http.provider';
import { ModelProvider } from './model-provider';
import { createOpenAiProvider } from './openai.provider';

/** The provider that MODEL_PROVIDER names. */
export const configuredProvider: FactoryProvider<ModelProvider> = {
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
