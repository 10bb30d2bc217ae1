/** What webhooks tell of jobs: the job's status then, and what has happened. */
export const JOB_WEBHOOKS = {
  'job.succeeded': { status: 'success', summary: 'A job has ended in success' },
  'job.failed': { status: 'fail', summary: 'A job has ended in fail' },
} as const;
export type JobWebhookType = keyof typeof JOB_WEBHOOKS;
export const JOB_WEBHOOK_TYPES = Object.keys(JOB_WEBHOOKS) as JobWebhookType[];

/** What a message tells of: something that happened to a job, or that somebody asked for a ping. */
export const WEBHOOK_TYPES: readonly (JobWebhookType | 'ping')[] = [...JOB_WEBHOOK_TYPES, 'ping'];
export type WebhookType = (typeof WEBHOOK_TYPES)[number];
