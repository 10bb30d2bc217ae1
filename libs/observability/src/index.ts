export { createLogger, flushLog, NestLogger, type PinoLogger } from './logger';
export { measureProcess, metrics, registry } from './metrics';
export { HEALTH_LIVE_PATH, HEALTH_READY_PATH, METRICS_PATH } from './paths';
