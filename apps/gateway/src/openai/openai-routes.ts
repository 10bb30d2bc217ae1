/** Where the OpenAI-compatible API is. */
const DOORS = 'chat/|responses|models';
/** What OpenAI's API has beside them, as the first part of a path. */
const NOT_OFFERED =
  'completions|embeddings|moderations|images|audio|videos|files|uploads|batches|assistants|threads|vector_stores|fine_tuning|fine-tunes|fine_tunes|conversations|containers|realtime|evals|organization|engines|edits|answers|classifications|search|rerank|chat';
const OF_OPENAI = new RegExp(`^/v1/(?:${DOORS}|(?:${NOT_OFFERED})(?:/|$))`);
/** The same with a base URL that lacks /v1, has it twice, or is another server's. */
const SLIP = new RegExp(
  `^(?:/v1/v1(?:/|$)|/(?:api/v1|api|openai/v1|openai|v1/openai|v1beta/openai|v2)/(?:openai/)?(?:deployments/[^/]+/)?(?:chat|responses|models|${NOT_OFFERED})(?:/|$)|/(?:chat/completions|responses|models|completions|embeddings)(?:/|$))`,
);

/** Whether a request is for OpenAI's API, or meant for it: the errors have OpenAI's form. */
export function isOpenAiRoute(url: string): boolean {
  const path = pathOf(url);
  return OF_OPENAI.test(path) || SLIP.test(path);
}

/** What is wrong with an address that is meant for OpenAI's API and that no route serves. */
export function openAiNotFound(method: string, url: string): string {
  const path = pathOf(url);
  const there = 'This server has POST /v1/chat/completions, POST /v1/responses and GET /v1/models.';
  if (SLIP.test(path)) {
    return `There is nothing at ${method} ${path.slice(0, 100)}: the client's base URL must end in /v1, once, right after the host. ${there}`;
  }
  return `This server does not offer ${method} ${path.slice(0, 100)}. ${there} Call the provider itself for anything else.`;
}

/** Without the query, and without doubled slashes. */
function pathOf(url: string): string {
  return (url.split('?', 1)[0] ?? '').replace(/\/{2,}/g, '/');
}
