/** Answers while the process runs. */
export const HEALTH_LIVE_PATH = '/health/live';
/** Answers 200 while the process can do its work, else 503. */
export const HEALTH_READY_PATH = '/health/ready';
/** Prometheus' text format. */
export const METRICS_PATH = '/metrics';
