/** Bytes of an answer of the provider: keys and claims. */
const MAX_BYTES = 1_048_576;

/** The provider does not answer, or not as one. */
export class ProviderAway extends Error {}

/** Whether something went wrong because the provider is away, however the libraries have wrapped it. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof ProviderAway || isAway(error.cause);
}

/**
 * A `fetch` whose answers have an end.
 * @param pauseMs how long nothing is asked after it failed
 * @throws ProviderAway for what is no answer, or one of 500 and above
 */
export function boundedFetch(pauseMs = 0): (url: string, options: RequestInit) => Promise<Response> {
  let failedAt = -Infinity;
  return async (url, options) => {
    if (performance.now() - failedAt < pauseMs) throw new ProviderAway('it failed a moment ago');
    try {
      const answer = await fetch(url, options);
      const text = await readText(answer);
      if (answer.status >= 500) throw new ProviderAway(`it returns ${answer.status}`);
      return new Response(text === '' ? null : text, { status: answer.status, headers: answer.headers });
    } catch (error) {
      failedAt = performance.now();
      if (error instanceof ProviderAway) throw error;
      throw new ProviderAway(error instanceof Error ? error.message : String(error), { cause: error });
    }
  };
}

async function readText({ body }: Response): Promise<string> {
  if (body === null) return '';
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body as ReadableStream<Uint8Array>) {
    length += part.length;
    if (length > MAX_BYTES) throw new ProviderAway(`its reply has more than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
