export { Config, ConfigError, ENVIRONMENT_VARIABLES, readConfig } from './config';
export { loadConfig } from './environment';
