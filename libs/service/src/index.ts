export { serve, type ServiceDefinition } from './serve';
