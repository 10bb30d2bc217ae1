import { PERMISSIONS, ROLES } from './caller';
import { ON_DEADLINE, POLICY_OUTCOMES } from './desk/plan';
import { OBSTACLES } from './desk/obstacle';
import { HELD_CLIENTS } from './holds/hold-store';
import { KEY_STATES } from './identity/api-key';
import { DECIDERS, DECISION_PAIRS } from './insight/decision-reader';
import {
  DECISION_OUTCOMES,
  FAILURE_REASONS,
  JOB_EVENT_TYPES,
  JOB_STATUSES,
  VERDICTS,
} from './jobs/transitions';
import { WEBHOOK_TYPES } from './webhooks/webhook-types';
import { WEBHOOK_DELIVERY_STATUSES } from './webhooks/webhook.entities';

/** The unions that the API shows, by the names that the OpenAPI document and the console know them under. */
export const UNIONS = {
  JobStatus: JOB_STATUSES,
  JobEventType: JOB_EVENT_TYPES,
  FailureReason: FAILURE_REASONS,
  Verdict: VERDICTS,
  DecisionOutcome: DECISION_OUTCOMES,
  DecisionPair: DECISION_PAIRS,
  Decider: DECIDERS,
  Obstacle: OBSTACLES,
  PolicyOutcome: POLICY_OUTCOMES,
  OnDeadline: ON_DEADLINE,
  HeldClient: HELD_CLIENTS,
  Role: ROLES,
  Permission: PERMISSIONS,
  KeyState: KEY_STATES,
  WebhookType: WEBHOOK_TYPES,
  WebhookDeliveryStatus: WEBHOOK_DELIVERY_STATUSES,
} as const satisfies Record<string, readonly string[]>;

/** A number for each of some values: how often it was counted, or zero. */
export function countsOf<Value extends string>(
  values: readonly Value[],
  counted: Partial<Record<Value, number>> = {},
): Record<Value, number> {
  return Object.fromEntries(values.map((value) => [value, counted[value] ?? 0])) as Record<Value, number>;
}
