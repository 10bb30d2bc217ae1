export { Config, ConfigError, ENVIRONMENT_VARIABLES, readConfig } from './config';
export { loadConfig, secret } from './environment';
export {
  DEMO_MODEL,
  fits,
  modelRoutes,
  offeredModels,
  type Price,
  type ProviderSettings,
} from './model-routes';
