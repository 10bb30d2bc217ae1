export {
  describePassing,
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
export {
  DEFAULT_PROJECT,
  EVERY_PROJECT,
  may,
  PERMISSIONS,
  ROLES,
  type Caller,
  type Permission,
  type Reviewer,
  type Role,
  type Scope,
} from './caller';
export { PROJECT_NAME, stateOf, type ApiKey, type KeyState } from './identity/api-key';
export {
  DEFAULT_OVERLAP_HOURS,
  hashingOf,
  issueKey,
  MAX_KEY_DAYS,
  MAX_OVERLAP_HOURS,
  rotateKey,
  type IssuedKey,
  type WantedKey,
} from './identity/issue-key';
export { KeyStore, MAX_KEYS, type HashedKey } from './identity/key-store';
export { RequestCounts } from './identity/request-counts';
export { Hashing, newKey, readKey, withoutKeys } from './identity/secrets';
export { PersonStore } from './identity/person-store';
export { SessionStore, type Rights, type Session, type SignedIn } from './identity/session-store';
export { itemsOf, membersOf, numbersOf, structureOf, type Slice } from './json-scan';
export { asNumber, isJsonObject, jsonBytes, jsonChunks, JsonText, writeJson, type Json } from './json';
export { duplicateKey } from './duplicate-key';
export { setSummary, storable, summaryOf, type PayloadSummary } from './chat/asked';
export { Decision } from './desk/decision.entity';
export {
  DecisionReader,
  type Decider,
  type DecisionFilter,
  type DecisionPair,
  type DecisionPosition,
  type ListedDecision,
} from './insight/decision-reader';
export { DraftStore } from './desk/draft-store';
export { Draft } from './desk/draft.entity';
export { AuditLog, isSigned, type AuditDigest } from './record/audit-digest';
export { AuditReader, type AuditEvent } from './record/audit-reader';
export { ErasureStore } from './record/erasure-store';
export { verifyChains, type ChainFinding } from './record/event-chain';
export { BEFORE_ALL_EVENTS, EventReader, type EventPosition, type EventRecord } from './record/event-reader';
export { HistoryReader, type History, type HistoryEvent, type Output } from './record/history-reader';
export { ExportReader, type DecisionRecord, type ExportFilter } from './insight/export-reader';
export { JobEvent } from './record/job-event.entity';
export { isJobId } from './jobs/job-id';
export { JobLists, type ExactJob, type UnreadPage } from './jobs/job-lists';
export { JobReader, type Answered, type CurrentJob } from './jobs/job-reader';
export { JobStore } from './jobs/job-store';
export { DeskReader, type ReviewPosition } from './desk/desk-reader';
export { DeskStore } from './desk/desk-store';
export { MAX_NOTES_COUNTED, RemarkReader, type Remarks } from './desk/remark-reader';
export { SummaryReader, type Summary, type SummaryFilter } from './desk/summary-reader';
export { Job, type ListedJob, type ModelFailure, type Usage } from './jobs/job.entity';
export { checkAnswer, requireNoFaults } from './jobs/check-answer';
export { requireUsableSchema, type SchemaFindings } from './jobs/response-schema';
export { type Agreement } from './insight/agreement';
export { claim, type ClaimedJob, type FeedbackTurn, type Lease } from './jobs/claim';
export type { ApprovalAtDeadline } from './desk/climb-ladder';
export { automaticStepOf } from './desk/at-work';
export { MAX_CLAIMS, type ReviewClaim } from './desk/claim-review';
export { decide, type DecisionRequest, type Judgement, type OutputChange } from './desk/decide';
export type { DeskEdit, Edit } from './desk/edit';
export { complete, type Inferred } from './jobs/finish-attempt';
export type { Timed } from './jobs/in-time';
export type { Note } from './desk/note';
export { OBSTACLES, type DeskCaller, type DeskRules, type Obstacle } from './desk/obstacle';
export type { OnDeadline, PlanRequest, PolicyOutcome, PolicyVerdict, ReviewPlan } from './desk/plan';
export type { RestoreRequest } from './desk/restore';
export { submit, submittedJob, type NewJob } from './jobs/submit';
export { StatsReader, type Stats, type StatsWindow, type VerdictTable } from './insight/stats-reader';
export { preferenceRow, sftRow } from './insight/training-rows';
export * from './jobs/transitions';
export { BELL_GRACE_SECONDS, type Bell } from './outbox/bell';
export { OutboxMessage } from './outbox/outbox-message.entity';
export { OutboxStore } from './outbox/outbox-store';
export { Turns } from './turns';
export { countsOf, UNIONS } from './unions';
export { actorName, LOCAL, MAX_NAME_LENGTH, personName } from './person-name';
export { isQuick, prepared, preparedName, quick } from './prepared';
export { WebhookStore, type DeliveryOutcome, type DueDelivery } from './webhooks/webhook-store';
export {
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
  type WebhookDeliveryStatus,
} from './webhooks/webhook.entities';
export {
  JOB_WEBHOOK_TYPES,
  JOB_WEBHOOKS,
  type JobWebhookType,
  type WebhookType,
} from './webhooks/webhook-types';
