export { brokerUrls } from './broker-urls';
export {
  allowedHosts,
  allowedOrigins,
  authModes,
  Config,
  ConfigError,
  ENVIRONMENT_VARIABLES,
  readConfig,
  retentionDays,
  signsIn,
  trustedProxies,
} from './config';
export { loadConfig, secret, unreadWarnings } from './environment';
export { signingKeyOf } from './signing-key';
export { isLoopback, shownUrl } from './shown-url';
export { DEMO_MODEL, modelRoutes, offeredModels } from './model-routes';
export { fits, type Price, type ProviderSettings } from './routes-file';
