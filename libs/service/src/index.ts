export { PROBLEM_TYPE, toProblem } from './problem';
export { serve } from './serve';
