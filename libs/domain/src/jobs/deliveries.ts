/**
 * The part of a statement that ends jobs which owes their webhooks: a row for the job's callback and for each of its
 * project's endpoints, written with the end itself. Expects a CTE `job` with id, status, project and callback_url.
 */
export const DELIVERIES = `delivery AS (
  INSERT INTO webhook_deliveries (endpoint_id, job_id, url, type, due_at)
  SELECT target.endpoint_id, job.id, target.url, CASE job.status WHEN 'success' THEN 'job.succeeded' ELSE 'job.failed' END, now()
  FROM job CROSS JOIN LATERAL (
    SELECT id AS endpoint_id, url FROM webhook_endpoints WHERE project = job.project AND disabled_at IS NULL
    UNION ALL
    SELECT NULL, job.callback_url WHERE job.callback_url IS NOT NULL
  ) target
  WHERE job.status IN ('success', 'fail')
)`;
