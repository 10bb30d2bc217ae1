export {
  allowedOrigins,
  Config,
  ConfigError,
  ENVIRONMENT_VARIABLES,
  readConfig,
  trustedProxies,
} from './config';
export { loadConfig, secret } from './environment';
export {
  DEMO_MODEL,
  fits,
  modelRoutes,
  offeredModels,
  type Price,
  type ProviderSettings,
} from './model-routes';
