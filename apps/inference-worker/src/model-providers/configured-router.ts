import { Logger, type FactoryProvider } from '@nestjs/common';
import { Config, modelRoutes, secret, type ProviderSettings } from '@hitl/config';
import { createAnthropicProvider } from './anthropic.provider';
import { createDemoProvider } from './demo.provider';
import { GuardedProvider } from './guarded-provider';
import { createHttpProvider } from './http.provider';
import type { ModelProvider } from './model-provider';
import { ModelRouter } from './model-router';
import { createOpenAiProvider } from './openai.provider';

/** The providers and routes that MODEL_ROUTES_FILE names, or the one that MODEL_PROVIDER does. */
export const configuredRouter: FactoryProvider<ModelRouter> = {
  provide: ModelRouter,
  inject: [Config],
  useFactory: (config: Config) => {
    const { providers, models } = modelRoutes(config, secret);
    const guarded = new Map(
      [...providers].map(([name, settings]) => [
        name,
        new GuardedProvider(name, settings, createProvider(settings)),
      ]),
    );
    if ([...providers.values()].some(({ type }) => type === 'demo')) {
      new Logger('Model').warn(
        config.MODEL_ROUTES_FILE === undefined
          ? 'MODEL_PROVIDER=demo: responses come from a demo model, not an LLM. Set MODEL_PROVIDER and MODEL_BASE_URL for a real one.'
          : 'MODEL_ROUTES_FILE has a provider of type demo: its responses come from a demo model, not an LLM.',
      );
    }
    const routes = models.map(({ name, providers: names, price }) => ({
      name,
      providers: names.flatMap((provider) => guarded.get(provider) ?? []),
      price,
    }));
    return new ModelRouter(routes, config.MODEL_TIMEOUT_MS);
  },
};

function createProvider(settings: ProviderSettings): ModelProvider {
  switch (settings.type) {
    case 'openai':
      return createOpenAiProvider(settings);
    case 'anthropic':
      return createAnthropicProvider(settings);
    case 'http':
      return createHttpProvider(settings);
    case 'demo':
      return createDemoProvider();
  }
}
