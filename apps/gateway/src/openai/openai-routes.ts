/** Whether a request is for one of the OpenAI-compatible doors, whose errors have OpenAI's form. */
export function isOpenAiRoute(url: string): boolean {
  return /^\/v1\/(chat\/|responses|models)/.test(url);
}
