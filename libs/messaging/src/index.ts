export { ask, COMMAND_LIFETIME_MS } from './ask';
export { ChangeAnnouncer } from './change-announcer';
export type { QueueConsumption } from './consumption';
export { InferenceRequested, JobChanged, ReviewRequested, ReviewViewed } from './messages/events';
export {
  DryRunPolicy,
  ReadPolicy,
  type DryRunReply,
  type PolicyChange,
  type PolicyReply,
  type PolicyRule,
} from './messages/policy-commands';
export {
  ClaimNextReview,
  ClaimReview,
  DecideReview,
  EditReview,
  NoteReview,
  PersonsCommand,
  ReadDesk,
  ReleaseReview,
  RestoreRevision,
  UndoDecision,
  type ClaimReply,
  type ReviewReply,
} from './messages/review-commands';
export { checkBroker } from './rabbitmq/check-broker';
export { createTransport, MessagingModule, type Transport } from './messaging.module';
export { OutboxRelay } from './outbox-relay';
export { RethrowFilter } from './rethrow.filter';
export { QUEUES, type QueueKey } from './topology';
