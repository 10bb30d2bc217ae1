export { networkOf } from './connections';
export { PROBLEM_TYPE, toProblem } from './problem';
export { basePath } from './request-path';
export { serve } from './serve';
