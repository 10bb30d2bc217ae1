export { ask, COMMAND_LIFETIME_MS } from './ask';
export { ChangeAnnouncer } from './change-announcer';
export type { QueueConsumption } from './consumption';
export {
  ClaimNextReview,
  ClaimReview,
  DecideReview,
  DryRunPolicy,
  EditReview,
  RestoreRevision,
  InferenceRequested,
  JobChanged,
  NoteReview,
  ReleaseReview,
  ReviewRequested,
  ReviewViewed,
  UndoDecision,
  type ClaimReply,
  ReadDesk,
  ReadPolicy,
  type DryRunReply,
  type PolicyChange,
  type PolicyOutcome,
  type PolicyReply,
  type PolicyRule,
  type ReviewReply,
} from './messages';
export { checkBroker } from './rabbitmq/check-broker';
export { createTransport, MessagingModule, type Transport } from './messaging.module';
export { OutboxRelay } from './outbox-relay';
export { RethrowFilter } from './rethrow.filter';
export { QUEUES, type QueueKey } from './topology';
