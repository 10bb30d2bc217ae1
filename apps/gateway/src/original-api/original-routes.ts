import { routePath } from '../http/route-table';

/** What ORIGINAL_API=off takes away. */
export const ORIGINAL_PATHS = ['/enqueue', '/job', '/jobs', '/reviewJob'];

const PATHS = new Set([...ORIGINAL_PATHS, '/liveness']);

/** Whether a request is for one of the original system's routes, whose errors have a form of their own. */
export function isOriginalRoute(url: string): boolean {
  return PATHS.has(routePath(url));
}
