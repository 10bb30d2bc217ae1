import createClient from 'openapi-fetch';
import { BASE } from './base';
import { nameToSend } from './reviewer';
import { leadToSignIn } from './session';
import { inOwnTime } from '../text/time';
import { ApiError, type Problem } from './problem';
import type { components, paths } from './schema';
import { bodyOf, withSources, type Verbatim } from './verbatim';

export type Review = Verbatim<components['schemas']['OpenReviewDto']>;
export type ReviewSummary = components['schemas']['ReviewSummary'];
export type SummaryPage = components['schemas']['ReviewSummaryPage'];
export type History = Verbatim<components['schemas']['HistoryDto']>;
export type Stats = components['schemas']['StatsDto'];
export type CurrentPolicy = components['schemas']['CurrentPolicy'];
export type DryRun = components['schemas']['DryRun'];
export type WebhookEndpoint = components['schemas']['WebhookEndpointDto'];
export type WebhookDelivery = components['schemas']['WebhookDeliveryDto'];
export type ApiKey = components['schemas']['KeyDto'];
export type NewApiKey = components['schemas']['KeyWithSecret'];
export type ListedDecision = components['schemas']['ListedDecisionDto'];
export type Decision = components['schemas']['DecisionDto'];
export type BulkDecision = components['schemas']['BulkDecision'];
/** Longest time that a request may take, in milliseconds. */
const REQUEST_TIMEOUT_MS = 20_000;

/** The gateway's API, typed by openapi.json. */
export const api = createClient<paths>({
  baseUrl: BASE,
  bodySerializer: bodyOf,
  fetch: (request) => {
    const answer = send(request);
    if (request.method !== 'GET') {
      pending.add(answer);
      const forget = () => pending.delete(answer);
      answer.then(forget, forget);
    }
    return answer;
  },
});

/** Sends a request under the reviewer's name, or the one in it; an empty one is none. */
async function send(request: Request): Promise<Response> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const given = request.headers.get('x-hitl-actor');
  const name = given === null ? await nameToSend() : decodeURIComponent(given);
  if (name === null || name === '') request.headers.delete('x-hitl-actor');
  else request.headers.set('x-hitl-actor', encodeURIComponent(name));
  const answer = await fetch(request, { signal: AbortSignal.any([request.signal, timeout]) });
  if (answer.status === 401) leadToSignIn();
  if (!answer.headers.get('content-type')?.includes('json')) return answer;
  return new Response(withSources(await answer.text()), answer);
}

/** Changes that are not answered yet. */
const pending = new Set<Promise<Response>>();

/** Waits until every change that was sent, or follows from these at once, is answered. */
export async function settled(): Promise<void> {
  do await Promise.allSettled(pending);
  while (pending.size > 0);
}

/** The data of an answer, in which the words of others are as they were written. @throws ApiError for a refusal, or no answer */
export async function dataOf<Data>(
  answer: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Verbatim<Data>> {
  let settled;
  try {
    settled = await answer;
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    throw new ApiError(timedOut ? 'The server did not respond in time.' : 'The server cannot be reached.', 0);
  }
  const { data, error, response } = settled;
  if (response.ok) return data as Verbatim<Data>;
  const problem = typeof error === 'object' && error !== null ? (error as Problem) : undefined;
  const told =
    problem?.detail === undefined ? `The server returned ${response.status}.` : inOwnTime(problem.detail);
  throw new ApiError(told, response.status, problem);
}
