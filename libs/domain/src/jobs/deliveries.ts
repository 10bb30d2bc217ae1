/** SQL: what webhooks tell of the job `job` where it has ended; null: nothing. */
const ENDED = `CASE job.status WHEN 'success' THEN 'job.succeeded' WHEN 'fail' THEN 'job.failed' END`;

/**
 * The part of a statement that changes jobs which owes their webhooks: a row for the job's callback and for each of its
 * project's endpoints, written with the change itself. Expects a CTE `job` with id, status, project and callback_url.
 * @param type SQL over `job` for the webhook's type (`webhook-types.ts`); null where none is owed
 */
export const deliveries = (type = ENDED): string => `delivery AS (
  INSERT INTO webhook_deliveries (endpoint_id, job_id, url, type, due_at)
  SELECT target.endpoint_id, job.id, target.url, ${type}, now()
  FROM job CROSS JOIN LATERAL (
    SELECT id AS endpoint_id, url FROM webhook_endpoints WHERE project = job.project AND disabled_at IS NULL
    UNION ALL
    SELECT NULL, job.callback_url WHERE job.callback_url IS NOT NULL
  ) target
  WHERE ${type} IS NOT NULL
)`;
