export { Allow, allowedAt, ALLOWED_EXTENSION } from './allow';
export { networkOf } from './connections';
export { oidcSettings, type OidcSettings } from './oidc-settings';
export { PROBLEM_TYPE, toProblem } from './problem';
export { preview } from './preview';
export { basePath } from './request-path';
export { serve } from './serve';
