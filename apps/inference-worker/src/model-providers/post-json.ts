import { duplicateKey, JsonText, structureOf, type Json } from '@hitl/domain';
import { Agent, request } from 'undici';
import { ModelError } from './model-provider';
import { refusal, requireNoError } from './provider-failure';
import { readText } from './read-body';
import { MAX_DETAIL } from './safe-text';

/** Deepest nesting of objects and arrays in an answer: what looks into it goes as deep. */
const MAX_DEPTH = 500;

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
 * @param apiKey sent as a bearer token, and never repeated in an error; with headers of its own `secret` is the key
 * @param signal bounds the whole call
 * @throws ModelError for every other outcome, and for an answer that says itself that it is an error
 */
export async function postJson(
  url: string,
  payload: JsonText,
  {
    apiKey,
    secret,
    headers,
    signal,
  }: { apiKey?: string; secret?: string; headers?: Record<string, string>; signal: AbortSignal },
): Promise<JsonText> {
  const confidential = { apiKey: apiKey ?? secret, url };
  let status: number;
  let text: string;
  let got: Record<string, string | string[] | undefined>;
  try {
    const response = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...headers,
      },
      body: payload.text,
      signal,
      dispatcher: agent,
    });
    status = response.statusCode;
    got = response.headers;
    text = await readText(response.body, got['content-encoding']);
  } catch (error) {
    if (error instanceof ModelError || signal.aborted) throw error;
    throw new ModelError(`The model cannot be reached: ${networkFault(error)}`, true, {
      detail: `The model cannot be reached: ${faultCode(error)}.`,
    });
  }
  if (status < 200 || status > 299) {
    const more = { retryAfterMs: parseRetryAfter(got['retry-after']), shouldRetry: got['x-should-retry'] };
    throw refusal(status, text, more, confidential);
  }
  const answer = parseAnswer(text);
  requireNoError(answer.value, confidential);
  return answer;
}

/** @throws ModelError for what is no JSON, or nothing, or too deep, or reads in two ways */
function parseAnswer(text: string): JsonText {
  if (text.trim() === '') throw new ModelError('The model returned an empty body.', false);
  if (structureOf(text).depth > MAX_DEPTH) {
    throw new ModelError(`The model's response is nested deeper than ${MAX_DEPTH} levels.`, false);
  }
  let answer: Json;
  try {
    answer = JSON.parse(text) as Json;
  } catch {
    const hint = text.startsWith('data:') ? ' It is an event stream: submit without "stream": true.' : '';
    throw new ModelError(`The model's response is not JSON.${hint}`, false);
  }
  if (answer === null || answer === '') {
    throw new ModelError(`The model's response is empty: ${text.trim().slice(0, MAX_DETAIL)}`, false);
  }
  const json = new JsonText(text, answer);
  if (duplicateKey(json)) {
    // A model would mostly give it again; another provider's may not.
    throw new ModelError(
      "The model's response has a key twice in one object. Readers do not agree on which of the two counts, so nobody can approve it.",
      false,
      { passesOn: true },
    );
  }
  return json;
}

/** Seconds or an HTTP date, as milliseconds from now; undefined when it is neither. */
export function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The kind of a network fault: its message may name hosts and ports, which a submitter need not know. */
function faultCode(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return (
    ([code, name].find((one) => typeof one === 'string' && /^\w{1,64}$/.test(one)) as string | undefined) ??
    'error'
  );
}

function networkFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : error.name;
  return error.message.includes(code) ? error.message : `${code} ${error.message}`.trim();
}
