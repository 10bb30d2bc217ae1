export { runBounded, stopsSoFar, TimeLimitError } from './bounded';
export { SANDBOXES } from './sandboxes';
export { Sandbox, SandboxError, type SandboxLimits } from './sandbox';
export { serveTasks } from './serve-tasks';
