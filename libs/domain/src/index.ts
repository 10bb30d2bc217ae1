export {
  describeTrouble,
  isDatabaseTrouble,
  isDataFault,
  isDuplicate,
  isStatementTimeout,
  isTransient,
  isUnexpectedTrouble,
  sqlState,
} from './database-errors';
export { DomainError, ERRORS, type ErrorCode, type FieldFault } from './errors';
export {
  HoldStore,
  type Closing,
  type HeldClient,
  type HeldRequest,
  type Joined,
  type Question,
} from './holds/hold-store';
export { DEFAULT_PROJECT, EVERY_PROJECT, ROLES, type Caller, type Role, type Scope } from './caller';
export { itemsOf, membersOf, numbersOf, structureOf, type Slice } from './json-scan';
export {
  asNumber,
  duplicateKey,
  isJsonObject,
  jsonBytes,
  jsonPieces,
  JsonText,
  writeJson,
  type Json,
} from './json';
export { storable } from './jobs/asked';
export { Decision } from './jobs/decision.entity';
export {
  DecisionReader,
  type DecisionFilter,
  type DecisionPosition,
  type ListedDecision,
} from './jobs/decision-reader';
export { DraftStore } from './jobs/draft-store';
export { Draft } from './jobs/draft.entity';
export { verifyChains, type ChainFinding } from './jobs/event-chain';
export { BEFORE_ALL_EVENTS, EventReader, type EventPosition, type EventRecord } from './jobs/event-reader';
export { HistoryReader, type History, type HistoryEvent, type Output } from './jobs/history-reader';
export { ExportReader, type DecisionRecord, type ExportFilter } from './jobs/export-reader';
export { JobEvent } from './jobs/job-event.entity';
export {
  JobLists,
  type ExactJob,
  type ListedJob,
  type ReviewPosition,
  type UnreadPage,
} from './jobs/job-lists';
export { isJobId, JobReader, type Answered, type CurrentJob } from './jobs/job-reader';
export { JobStore } from './jobs/job-store';
export { MAX_NOTES_COUNTED, RemarkReader, type Remarks } from './jobs/remark-reader';
export { SummaryReader, type Summary, type SummaryFilter } from './jobs/summary-reader';
export { Job, type ModelFailure, type Usage } from './jobs/job.entity';
export { checkAnswer, requireNoFaults } from './jobs/check-answer';
export { requireUsableSchema, type SchemaFindings } from './jobs/response-schema';
export { type Agreement } from './jobs/agreement';
export { claim, type ClaimedJob, type FeedbackTurn, type Lease } from './jobs/statements/claim';
export type { ApprovalAtDeadline } from './jobs/statements/climb-ladder';
export { automaticStepOf } from './jobs/statements/at-work';
export { MAX_CLAIMS, type ReviewClaim } from './jobs/statements/claim-review';
export { decide, type DecisionRequest, type Judgement, type OutputChange } from './jobs/statements/decide';
export type { DeskEdit, Edit } from './jobs/statements/edit';
export { complete, type Inferred } from './jobs/statements/finish-attempt';
export type { Timed } from './jobs/statements/in-time';
export type { Note } from './jobs/statements/note';
export { OBSTACLES, type DeskCaller, type DeskRules, type Obstacle } from './jobs/statements/obstacle';
export type { PlanRequest, ReviewPlan } from './jobs/statements/plan';
export type { RestoreRequest } from './jobs/statements/restore';
export { submit, submittedJob, type NewJob } from './jobs/statements/submit';
export {
  StatsReader,
  type Stats,
  type StatsWindow,
  type VerdictCounts,
  type VerdictTable,
} from './jobs/stats-reader';
export { preferenceRow, sftRow } from './jobs/training-rows';
export * from './jobs/transitions';
export { BELL_GRACE_SECONDS, type Bell } from './outbox/bell';
export { OutboxMessage } from './outbox/outbox-message.entity';
export { OutboxStore } from './outbox/outbox-store';
export { Turns } from './turns';
export { actorName, LOCAL, MAX_NAME_LENGTH, personName } from './person-name';
export { isQuick, prepared, preparedName, quick } from './prepared';
export { WebhookStore, type DeliveryOutcome, type DueDelivery } from './webhooks/webhook-store';
export {
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
  type WebhookType,
} from './webhooks/webhook.entities';
