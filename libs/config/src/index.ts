export { brokerUrls } from './broker-urls';
export {
  allowedHosts,
  allowedOrigins,
  Config,
  ConfigError,
  ENVIRONMENT_VARIABLES,
  readConfig,
  trustedProxies,
} from './config';
export { loadConfig, secret, unreadWarnings } from './environment';
export { isLoopback, shownUrl } from './shown-url';
export {
  DEMO_MODEL,
  fits,
  modelRoutes,
  offeredModels,
  type Price,
  type ProviderSettings,
} from './model-routes';
