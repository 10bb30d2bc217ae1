export { brokerUrls } from './broker-urls';
export {
  allowedHosts,
  allowedOrigins,
  authModes,
  Config,
  ConfigError,
  ENVIRONMENT_VARIABLES,
  readConfig,
  signsIn,
  trustedProxies,
} from './config';
export { list } from './decorators';
export { loadConfig, secret, unreadWarnings } from './environment';
export { isLoopback, shownUrl } from './shown-url';
export { DEMO_MODEL, modelRoutes, offeredModels } from './model-routes';
export { fits, type Price, type ProviderSettings } from './routes-file';
