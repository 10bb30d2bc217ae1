export { createClient, sendRaw, type Answer, type Client } from './client';
export { copyEmbeddedDatabase, createTestDatabase, testAmqpUrl, type TestDatabase } from './database';
export {
  aClaim,
  aDecision,
  aJob,
  AN_ANSWER,
  anAnswer,
  anEdit,
  aPlan,
  claimedJob,
  jobIn,
  NO_POLICY,
  SCOPE,
  settleHeld,
  storesOn,
  type Stores,
  type JobFields,
  type JudgementFields,
} from './jobs';
export { jsonTexts } from './json-texts';
export { selfSigned } from './self-signed';
export {
  anthropicMessage,
  completion,
  startModelStub,
  type ModelStub,
  type StubAnswer,
  type StubRequest,
} from './model-stub';
export { onThisMachine, p99, startLightClient, type LightClient } from './light-client';
export { createLine, type Line } from './line';
export { needs } from './needs';
export { runService, startService, type AppName, type ServiceProcess } from './service-process';
export { startStack, WAYS, type Stack } from './stack';
export { until } from './until';
