import { isJsonObject, type Json } from '@hitl/domain';
import { Agent, request } from 'undici';
import { ModelError } from './model-provider';

/** Largest answer that is read, in bytes. */
export const LARGEST_ANSWER = 10 * 1024 * 1024;
/** Longest piece of a provider's error text that is kept, in characters. */
const LONGEST_DETAIL = 1000;
/** Statuses below 500 that may pass: request timeout, conflict, too many requests. */
const RETRYABLE_STATUSES = new Set([408, 409, 429]);

const agent = new Agent({
  connect: { timeout: 10_000 },
  keepAliveTimeout: 30_000,
  headersTimeout: 0,
  bodyTimeout: 0,
});

/** A path below an API's root, which may end in slashes. */
export function below(root: string | undefined, path: string): string {
  return `${String(root).replace(/\/+$/, '')}/${path}`;
}

/**
 * POSTs JSON and reads a JSON answer. Redirects are not followed.
 * @param apiKey sent as a bearer token
 * @param signal bounds the whole call
 * @throws ModelError for every other outcome
 */
export async function postJson(
  url: string,
  payload: Json,
  { apiKey, headers, signal }: { apiKey?: string; headers?: Record<string, string>; signal: AbortSignal },
): Promise<Json> {
  let status: number;
  let text: string;
  let retryAfter: string | string[] | undefined;
  try {
    const response = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...headers,
      },
      body: JSON.stringify(payload),
      signal,
      dispatcher: agent,
    });
    status = response.statusCode;
    retryAfter = response.headers['retry-after'];
    text = await readText(response.body);
  } catch (error) {
    if (error instanceof ModelError || signal.aborted) throw error;
    throw new ModelError(`The model cannot be reached: ${networkFault(error)}`, true);
  }
  if (status < 200 || status > 299) {
    throw new ModelError(`The model answered ${status}`, status >= 500 || RETRYABLE_STATUSES.has(status), {
      detail: `The model answered ${status}: ${providerMessage(text)}`,
      retryAfterMs: parseRetryAfter(retryAfter),
    });
  }
  return parseAnswer(text);
}

async function readText(body: AsyncIterable<Buffer> & { destroy: () => void }): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) {
      body.destroy();
      throw new ModelError(`The model's answer is larger than ${LARGEST_ANSWER} bytes.`, false);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The answer as JSON that PostgreSQL can store: it takes neither NUL nor half a surrogate pair, so NUL is removed and
 * half pairs become U+FFFD.
 */
export function parseAnswer(text: string): Json {
  if (text.trim() === '') throw new ModelError('The model answered with an empty body.', false);
  let answer: Json;
  try {
    answer = JSON.parse(text) as Json;
  } catch {
    const hint = text.startsWith('data:') ? ' It is an event stream: submit without "stream": true.' : '';
    throw new ModelError(`The model's answer is not JSON.${hint}`, false);
  }
  const storable = clean(text, answer);
  if (storable === null || storable === '') {
    throw new ModelError(`The model's answer is empty: ${text.trim().slice(0, LONGEST_DETAIL)}`, false);
  }
  return storable;
}

/** The answer without NUL and half surrogate pairs; `text` is where it was read from. */
function clean(text: string, answer: Json): Json {
  // Only escapes can bring them in.
  if (!/\\u(0000|d[89a-f])/i.test(text)) return answer;
  const cleanText = (value: string): string => value.replaceAll('\0', '').toWellFormed();
  return JSON.parse(text, (_key, value: Json) => {
    if (typeof value === 'string') return cleanText(value);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [cleanText(key), inner]));
  }) as Json;
}

/** Seconds or an HTTP date, as milliseconds from now; undefined when it is neither. */
export function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** What an error body says: OpenAI's `error.message`, a plain `message` or `detail`, or its text. */
function providerMessage(text: string): string {
  let message = text;
  try {
    const body = JSON.parse(text) as Json;
    if (isJsonObject(body)) {
      const found = [
        isJsonObject(body.error) ? body.error.message : body.error,
        body.message,
        body.detail,
      ].find((candidate) => typeof candidate === 'string');
      if (typeof found === 'string') message = found;
    }
  } catch {
    // Not JSON: the text itself.
  }
  message = message.replaceAll('\0', '').toWellFormed().trim();
  return message === '' ? '(no text)' : message.slice(0, LONGEST_DETAIL);
}

function networkFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : error.name;
  return error.message.includes(code) ? error.message : `${code} ${error.message}`.trim();
}
