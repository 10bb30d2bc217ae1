export { runBounded, stopsSoFar, TimeLimitError } from './bounded';
export { SANDBOXES } from './sandboxes';
export { SandboxError } from './sandbox';
export { serveTasks } from './serve-tasks';
