import { routePath } from '../http/route-table';

const ORIGINAL_PATHS = new Set(['/enqueue', '/job', '/jobs', '/reviewJob', '/liveness']);

/** Whether a request is for one of the original system's routes, whose errors have a form of their own. */
export function isOriginalRoute(url: string): boolean {
  return ORIGINAL_PATHS.has(routePath(url));
}
