import { isJsonObject, type Json, type ModelFailure } from '@hitl/domain';
import { ModelError } from './model-provider';
import { MAX_DETAIL, safeText, type Confidential } from './safe-text';

interface JsonObject {
  [key: string]: Json;
}

/** Statuses below 500 that may pass: request timeout, conflict, too many requests. */
const RETRYABLE_STATUSES = new Set([408, 409, 429]);
/** Codes and types of an account that has nothing left, whatever the status: only a person can change that. */
const OUT_OF_QUOTA =
  /insufficient[_ -]?(?:user[_ -]?)?(?:quota|balance|funds|credits?)|exceeded_current_quota|billing|credits?_(?:exhausted|depleted)|out_of_credits|payment_required|access_terminated/i;
/** Codes and types of a request that fails again when it is repeated. */
const FOR_GOOD =
  /invalid|not_?found|unsupported|unprocessable|bad_?request|authentication|unauthori[sz]ed|permission|forbidden|context_length|too_large|content_(?:filter|policy)|moderation|safety/i;
/** Why a model says that it stopped, where its answer is none. */
const FAILED_FINISHES = new Set<Json>([
  'error',
  'failed',
  'abort',
  'network_error',
  'insufficient_system_resource',
]);

/** What an error body says, in whichever of the forms that are about. */
interface Told {
  message: string | null;
  /** A status that the body names. */
  status: number | null;
  failure: Omit<ModelFailure, 'status'>;
}

/**
 * The error that an answer with a status other than 2xx is.
 * @param shouldRetry the provider's header x-should-retry
 */
export function refusal(
  status: number,
  text: string,
  more: { retryAfterMs?: number; shouldRetry?: string | string[] },
  confidential: Confidential,
): ModelError {
  const told = readTold(parsed(text), confidential);
  const isEmptyAccount = OUT_OF_QUOTA.test(namesIn(told));
  const said = told.message ?? safeText(text, confidential);
  const mayPass = status >= 500 || RETRYABLE_STATUSES.has(status);
  return new ModelError(
    `The model returned ${status}`,
    mayPass && !isEmptyAccount && more.shouldRetry !== 'false',
    {
      detail: `The model returned ${status}: ${said === '' ? '(no text)' : said}`,
      retryAfterMs: more.retryAfterMs,
      failure: { status, ...told.failure },
      // Another provider has another account.
      passesOn: mayPass || isEmptyAccount,
    },
  );
}

/**
 * Some providers answer 200 and then say in the body that they failed.
 * @throws ModelError, which may be repeated unless the body's code or type says otherwise
 */
export function requireNoError(answer: Json, confidential: Confidential): void {
  const body = Array.isArray(answer) && answer.length === 1 ? (answer[0] ?? null) : answer;
  if (isJsonObject(body) && tellsError(body)) throw failed('an error', body, confidential);
}

/**
 * Checks that an answer to a chat is a chat completion.
 * @throws ModelError for what is no object, has no choices or a choice without a message, or ended in an error
 */
export function requireCompletion(answer: Json, confidential: Confidential): void {
  if (!isJsonObject(answer)) throw failed('no completion', {}, confidential);
  const { choices } = answer;
  if (!Array.isArray(choices) || choices.length === 0) throw failed('no choices', answer, confidential);
  for (const choice of choices) {
    if (!isJsonObject(choice)) throw failed('a choice that is no object', answer, confidential);
    if (isError(choice.error)) throw failed('an error', choice, confidential);
    if (FAILED_FINISHES.has(choice.finish_reason ?? null)) {
      throw failed(`the finish_reason ${JSON.stringify(choice.finish_reason)}`, choice, confidential);
    }
    if (!isJsonObject(choice.message) && typeof choice.text !== 'string') {
      throw failed('a choice without a message', answer, confidential);
    }
  }
}

/** Whether a payload is a chat, whose answer is a chat completion. */
export function isChat(payload: Json): boolean {
  return isJsonObject(payload) && Array.isArray(payload.messages);
}

function tellsError(body: JsonObject): boolean {
  if (isError(body.error)) return true;
  if (body.object === 'error' || body.type === 'error') return true;
  return body.success === false && Array.isArray(body.errors) && body.errors.length > 0;
}

/** Whether the value of a key `error` means one; a number there may be a measure. */
function isError(error: Json | undefined): boolean {
  if (isJsonObject(error)) return Object.keys(error).length > 0;
  return error === true || (typeof error === 'string' && error !== '');
}

function failed(what: string, body: JsonObject, confidential: Confidential): ModelError {
  const told = readTold(body, confidential);
  const names = namesIn(told);
  const { status } = told;
  const mayPass = status === null ? !FOR_GOOD.test(names) : status >= 500 || RETRYABLE_STATUSES.has(status);
  const isEmptyAccount = OUT_OF_QUOTA.test(names);
  const message = `The model returned 200 with ${what}`;
  return new ModelError(message, mayPass && !isEmptyAccount, {
    detail: told.message === null ? `${message}.` : `${message}: ${told.message}`,
    failure: { status: status ?? 200, ...told.failure },
    passesOn: mayPass || isEmptyAccount,
  });
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function readTold(answer: Json, confidential: Confidential): Told {
  // Google's compatible door answers a list of one.
  const body = Array.isArray(answer) ? (answer[0] ?? null) : answer;
  const outer = isJsonObject(body) ? body : {};
  const first = Array.isArray(outer.errors) ? outer.errors[0] : undefined;
  const inner = [outer.error, outer.errors, first].find(isJsonObject) ?? {};
  const messages = [inner.message, outer.error, outer.message, outer.detail, first];
  const message = messages.find((candidate) => typeof candidate === 'string' && candidate.trim() !== '');
  const code = inner.code ?? outer.code ?? null;
  return {
    message: typeof message === 'string' ? safeText(message, confidential) : null,
    status: [code, inner.status, outer.status].map(statusIn).find((status) => status !== null) ?? null,
    failure: {
      code: statusIn(code) === null ? nameIn(code) : null,
      type: nameIn(
        inner.type ?? inner.status ?? (outer.type === 'error' ? null : outer.type) ?? outer.error_type,
      ),
      param: paramIn(inner.param ?? outer.param, confidential),
    },
  };
}

function namesIn({ failure: { code, type } }: Told): string {
  return `${code ?? ''} ${type ?? ''}`;
}

function statusIn(value: Json | undefined): number | null {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599
    ? status
    : null;
}

/** A code or a type: one word, as clients compare it. */
function nameIn(value: Json | undefined): string | null {
  return typeof value === 'string' && /^[\w.:/-]{1,100}$/.test(value) ? value : null;
}

function paramIn(value: Json | undefined, confidential: Confidential): string | null {
  if (typeof value !== 'string' || value === '') return null;
  return safeText(value, confidential).slice(0, MAX_DETAIL / 5);
}
