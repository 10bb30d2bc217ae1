export { runBounded, stopsSoFar, TimeLimitError } from './bounded';
export { MEMORY_BESIDE_HEAP_MB, SANDBOX_LIMITS, SANDBOXES } from './sandboxes';
export { SandboxError } from './limits';
export { serveTasks, WithBytes } from './serve-tasks';
