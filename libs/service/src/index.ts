export { PROBLEM_TYPE, toProblem } from './problem';
export { serve, type ServiceDefinition } from './serve';
