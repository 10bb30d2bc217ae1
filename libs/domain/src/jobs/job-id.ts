const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text has the shape of a job's id; any other text is the id of no job. */
export function isJobId(text: string): boolean {
  return UUID.test(text);
}
