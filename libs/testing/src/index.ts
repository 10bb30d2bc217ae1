export { createTestDatabase, testAmqpUrl, type TestDatabase } from './database';
export { completion, startModelStub, type ModelStub, type StubAnswer, type StubRequest } from './model-stub';
export { startService, type AppName, type ServiceProcess } from './service-process';
export { until } from './until';
