import type { Config } from './config';
import { fits, readRoutes, type ModelRoutes, type ProviderSettings, type SecretLookup } from './routes-file';

/** The one model of the type `demo`. */
export const DEMO_MODEL = 'demo-extractive-1';

/**
 * The routes of MODEL_ROUTES_FILE (YAML or JSON; docs/model-routes.md); without it every model goes to MODEL_PROVIDER.
 * @param secret fills in the providers' keys and makes missing ones a fault; who only needs names leaves it out
 * @throws ConfigError that lists every fault, without the values
 */
export function modelRoutes(config: Config, secret?: SecretLookup): ModelRoutes {
  if (config.MODEL_ROUTES_FILE !== undefined) return readRoutes(config.MODEL_ROUTES_FILE, secret);
  const { MODEL_PROVIDER: name, MODEL_BASE_URL, MODEL_API_KEY, MODEL_TIMEOUT_MS } = config;
  const provider: ProviderSettings = {
    type: name,
    base_url: MODEL_BASE_URL,
    api_key: MODEL_API_KEY,
    timeout_ms: MODEL_TIMEOUT_MS,
  };
  return { providers: new Map([[name, provider]]), models: [{ name: '*', providers: [name] }] };
}

/** The models that can be listed by name, each with the type of its first provider: what GET /v1/models shows. */
export function offeredModels({ providers, models }: ModelRoutes): { id: string; owned_by: string }[] {
  const owners = new Map<string, string>();
  for (const route of models) {
    const type = providers.get(route.providers[0] ?? '')?.type ?? '';
    const demo = type === 'demo' && fits(route.name, DEMO_MODEL) ? [DEMO_MODEL] : [];
    for (const id of route.offers ?? (route.name.endsWith('*') ? demo : [route.name])) {
      if (!owners.has(id)) owners.set(id, type);
    }
  }
  return [...owners].map(([id, owned_by]) => ({ id, owned_by }));
}
