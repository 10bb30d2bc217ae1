export { ask } from './ask';
export { ChangeAnnouncer } from './change-announcer';
export type { QueueConsumption } from './consumption';
export { every, type Repetition } from './every';
export {
  ClaimNextReview,
  ClaimReview,
  DecideReview,
  EditReview,
  InferenceRequested,
  JobChanged,
  NoteReview,
  ReleaseReview,
  ReviewRequested,
  UndoDecision,
  type ClaimReply,
  type ReviewReply,
} from './messages';
export { createTransport, MessagingModule, type Transport } from './messaging.module';
export { OutboxRelay } from './outbox-relay';
export { RethrowFilter } from './rethrow.filter';
export { QUEUES, type QueueKey } from './topology';
