import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Everything this process measures, in Prometheus' format at `GET /metrics`. No job, person or key is a label. */
export const registry = new Registry();

/** Adds the Node process's own figures (memory, event loop, CPU). Once per process. */
export function measureProcess(): void {
  collectDefaultMetrics({ register: registry });
}

export const metrics = {
  jobsSubmitted: new Counter({
    name: 'hitl_jobs_submitted_total',
    help: 'Jobs accepted and stored',
    registers: [registry],
  }),
  inferenceAttempts: new Counter({
    name: 'hitl_inference_attempts_total',
    help: 'Calls to the model, by how they ended: `answered`, `passed_on` (to the next provider), `retried`, `failed`, `dropped` (another worker was first)',
    labelNames: ['provider', 'outcome'] as const,
    registers: [registry],
  }),
  inferenceDuration: new Histogram({
    name: 'hitl_inference_duration_seconds',
    help: 'Time of one call to the model',
    labelNames: ['provider'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    registers: [registry],
  }),
  circuitState: new Gauge({
    name: 'hitl_circuit_state',
    help: 'Circuit of a model provider: 0 closed, 1 half-open (one call tries it), 2 open (it is spared)',
    labelNames: ['provider'] as const,
    registers: [registry],
  }),
  reviewsRequested: new Counter({
    name: 'hitl_reviews_requested_total',
    help: 'Responses that were handed to the review desk',
    registers: [registry],
  }),
  /** Registered by the process that has a policy. */
  policyReloadOk: new Gauge({
    name: 'hitl_policy_reload_ok',
    help: 'Whether REVIEW_POLICY_FILE is in force as it is now: 1 yes; 0 no, it has faults and the last good one is',
    registers: [],
  }),
  decisions: new Counter({
    name: 'hitl_review_decisions_total',
    help: 'Decisions that took effect, made by people, by policies, or by policies at a deadline',
    labelNames: ['verdict'] as const,
    registers: [registry],
  }),
  votes: new Counter({
    name: 'hitl_review_votes_total',
    help: 'Verdicts after which a job waits for others: several people must agree',
    labelNames: ['verdict'] as const,
    registers: [registry],
  }),
  pendingDecisions: new Counter({
    name: 'hitl_review_decisions_pending_total',
    help: 'Decisions that could still be undone when they were made; those that take effect are counted again then',
    labelNames: ['verdict'] as const,
    registers: [registry],
  }),
  deadlineSteps: new Counter({
    name: 'hitl_deadline_steps_total',
    help: 'What time did to waiting jobs: reminded, escalated, expired, approved (the policy says so)',
    labelNames: ['step'] as const,
    registers: [registry],
  }),
  webhookAttempts: new Counter({
    name: 'hitl_webhook_attempts_total',
    help: 'Tries to deliver webhooks, by what became of the delivery: delivered, retried later, failed for good',
    labelNames: ['outcome'] as const,
    registers: [registry],
  }),
  messagesParked: new Counter({
    name: 'hitl_messages_parked_total',
    help: 'Messages that cannot be handled and were set aside for an operator',
    labelNames: ['queue'] as const,
    registers: [registry],
  }),
  subscriptionsLost: new Counter({
    name: 'hitl_subscriptions_lost_total',
    help: 'Times that the broker had dropped the subscription to a queue without telling, and it was made anew',
    labelNames: ['queue'] as const,
    registers: [registry],
  }),
  commandsUnanswered: new Counter({
    name: 'hitl_commands_unanswered_total',
    help: 'Commands that no review service replied to: nothing consumed their queue (unconsumed), or no reply came in time (late)',
    labelNames: ['why'] as const,
    registers: [registry],
  }),
  bellsPublished: new Counter({
    name: 'hitl_outbox_published_total',
    help: 'Outbox rows published, by who did it: the process that wrote them, or a poller that found them orphaned',
    labelNames: ['by'] as const,
    registers: [registry],
  }),
  refusals: new Counter({
    name: 'hitl_http_refusals_total',
    help: 'Requests that were refused for now (429, 503), by the code of the error: a limit was met, or a part is away',
    labelNames: ['code'] as const,
    registers: [registry],
  }),
  connectionsEnded: new Counter({
    name: 'hitl_connections_ended_total',
    help: 'Connections that were ended: there are too many (total) or too many from one address (address), too many requests wait on one (pipelined), or too much waits for clients that do not read it (unread)',
    labelNames: ['why'] as const,
    registers: [registry],
  }),
  sandboxLimits: new Counter({
    name: 'hitl_sandbox_limits_total',
    help: 'Tasks that met a limit of their sandbox: its process was ended (time, memory), or nothing was free for them (busy)',
    labelNames: ['sandbox', 'limit'] as const,
    registers: [registry],
  }),
  logLinesDropped: new Counter({
    name: 'hitl_log_lines_dropped_total',
    help: 'Lines of the log that could not be written: its disk is full, or nobody reads it',
    registers: [registry],
  }),
  jobsKicked: new Counter({
    name: 'hitl_jobs_kicked_total',
    help: 'Jobs in bot whose message the reconciler published again',
    registers: [registry],
  }),
};
