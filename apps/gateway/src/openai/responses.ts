import { asNumber, isJobId, isJsonObject, writeJson, type Job, type Json } from '@hitl/domain';
import { textOf, toChatCompletion, type JsonObject } from './chat';
import { describe } from './openai-error';
import { failureOf } from './withheld';

/** The job that a response's id, or that of one of its items, stands for; null for anything else. */
export function jobIdOf(id: string): string | null {
  const jobId = id.replace(/^(?:resp|msg|rs|fc)_/, '').replace(/_\d+$/, '');
  return isJobId(jobId) ? jobId : null;
}

type Status = 'queued' | 'in_progress' | 'completed' | 'failed' | 'incomplete' | 'cancelled';

/** Where the Responses API sees a job. A rejected response is an incomplete one, which the SDKs have a type for. */
function statusOf(job: Job, approved: Approved | null): Status {
  switch (job.status) {
    case 'bot':
      return 'queued';
    case 'human':
      return 'in_progress';
    case 'success':
      return approved?.incompleteReason ? 'incomplete' : 'completed';
    case 'fail':
      if (job.failureReason === 'rejected') return 'incomplete';
      return job.failureReason === 'cancelled' ? 'cancelled' : 'failed';
  }
}

/** A job as an object of the Responses API, for writeJson. The response is in it only once a human has approved it. */
export function toResponse(job: Job): JsonObject {
  const exact = job.askedFor?.exact;
  const asked = isJsonObject(exact) ? exact : {};
  const approved = job.status === 'success' ? approvedOf(job) : null;
  const status = statusOf(job, approved);
  const isRejected = job.failureReason === 'rejected';
  const text = isJsonObject(asked.text) ? asked.text : {};
  return {
    // What was asked comes first: what only the server knows wins.
    ...withoutNulls(asked, [
      'service_tier',
      'top_logprobs',
      'user',
      'safety_identifier',
      'prompt_cache_key',
      'prompt_cache_retention',
    ]),
    id: `resp_${job.id}`,
    object: 'response',
    created_at: Math.floor(job.createdAt.getTime() / 1000),
    completed_at: approved && job.finishedAt ? Math.floor(job.finishedAt.getTime() / 1000) : null,
    status,
    background: asked.background ?? false,
    error: isRejected || status === 'failed' ? errorOf(job) : null,
    incomplete_details:
      status === 'incomplete' ? { reason: approved?.incompleteReason ?? 'content_filter' } : null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    model: approved?.model ?? job.model ?? '',
    output: approved?.output ?? [],
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: asked.reasoning ?? { effort: null, summary: null },
    store: asked.store ?? true,
    temperature: asked.temperature ?? null,
    text: { ...text, format: text.format ?? { type: 'text' } },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: asked.tools ?? [],
    top_p: asked.top_p ?? null,
    truncation: asked.truncation ?? 'disabled',
    // Some SDKs take no null in a response.
    ...((approved === null || approved.usage !== null) && { usage: approved?.usage ?? null }),
    metadata: isJsonObject(asked.metadata) ? asked.metadata : job.metadata,
    ...(approved?.serviceTier !== undefined && { service_tier: approved.serviceTier }),
  };
}

function withoutNulls(object: JsonObject, names: string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) =>
      object[name] === undefined || object[name] === null ? [] : [[name, object[name]]],
    ),
  );
}

/** Why there is no response: the reviewer's words to the submitter, or the model's. */
function errorOf(job: Job): JsonObject {
  const { type, code, message, param } = describe(failureOf(job));
  return { type, code, message, param };
}

/** An approved response in the words of the Responses API. */
interface Approved {
  model?: string;
  output: JsonObject[];
  incompleteReason: 'max_output_tokens' | 'content_filter' | null;
  usage: JsonObject | null;
  serviceTier?: string;
}

/** The items of approved responses, by their ids: what later requests may refer to. */
export function itemsBehind(jobs: Job[]): Map<string, JsonObject> {
  const items = jobs.flatMap((job) => (job.status === 'success' ? approvedOf(job).output : []));
  return new Map(items.map((item) => [textOf(item.id ?? null), item]));
}

function approvedOf(job: Job): Approved {
  const completion = toChatCompletion(job);
  const { model, service_tier: serviceTier } = completion;
  const choice = Array.isArray(completion.choices) ? completion.choices.find(isJsonObject) : undefined;
  const finish = choice?.finish_reason;
  const incompleteReason =
    finish === 'length' ? 'max_output_tokens' : finish === 'content_filter' ? 'content_filter' : null;
  return {
    ...(typeof model === 'string' && model !== '' && { model }),
    ...(typeof serviceTier === 'string' && { serviceTier }),
    output: outputOf(job.id, choice ?? {}, incompleteReason === null ? 'completed' : 'incomplete'),
    incompleteReason,
    usage: usageOf(completion.usage, job),
  };
}

/** Thoughts, words and refusals, calls: as items in this order. There is always one. */
function outputOf(jobId: string, { message, logprobs }: JsonObject, status: Status): JsonObject[] {
  const {
    content = null,
    refusal,
    annotations,
    tool_calls: calls,
    ...more
  } = isJsonObject(message) ? message : {};
  const parts = Array.isArray(content) ? content : [];
  const thought =
    [more.reasoning_content, more.reasoning].find((value) => typeof value === 'string' && value !== '') ??
    thoughtIn(parts);
  const text = Array.isArray(content) ? textIn(parts) : textOf(content);
  const output: JsonObject[] = [];
  if (typeof thought === 'string' && thought !== '') {
    output.push({
      id: `rs_${jobId}`,
      type: 'reasoning',
      summary: [],
      content: [{ type: 'reasoning_text', text: thought }],
      status: 'completed',
    });
  }
  const functions = (Array.isArray(calls) ? calls : []).filter(isJsonObject);
  const said: JsonObject[] = [];
  const hasRefusal = typeof refusal === 'string' && refusal !== '';
  if (text !== '' || (!hasRefusal && functions.length === 0)) {
    const tokens = isJsonObject(logprobs) && Array.isArray(logprobs.content) ? logprobs.content : [];
    said.push({ type: 'output_text', text, annotations: annotationsOf(annotations), logprobs: tokens });
  }
  if (hasRefusal) said.push({ type: 'refusal', refusal });
  if (said.length > 0) {
    output.push({ id: `msg_${jobId}`, type: 'message', role: 'assistant', status, content: said });
  }
  functions.forEach((call, index) => {
    const called = [call.function, call.custom].find(isJsonObject) ?? {};
    output.push({
      id: `fc_${jobId}_${index}`,
      type: 'function_call',
      call_id: call.id ?? null,
      name: called.name ?? null,
      arguments: textOf(called.arguments ?? called.input ?? null),
      status,
    });
  });
  return output;
}

/** The texts of parts; a part of an unknown kind as the JSON that it is. */
function textIn(parts: Json[]): string {
  return parts
    .map((part) => {
      if (!isJsonObject(part)) return textOf(part);
      if (typeof part.text === 'string') return part.text;
      return part.type === 'thinking' || part.type === 'reasoning' ? '' : writeJson(part);
    })
    .join('');
}

function thoughtIn(parts: Json[]): string {
  return parts
    .filter(isJsonObject)
    .map(({ thinking = null }) => (Array.isArray(thinking) ? textIn(thinking) : textOf(thinking)))
    .join('');
}

/** Chat completions keeps what an annotation says in an object of the annotation's own name. */
function annotationsOf(annotations: Json | undefined): Json[] {
  if (!Array.isArray(annotations)) return [];
  return annotations.map((annotation) => {
    if (!isJsonObject(annotation) || typeof annotation.type !== 'string') return annotation;
    const { type, [type]: inner = null, ...more } = annotation;
    return { type, ...more, ...(isJsonObject(inner) && inner) };
  });
}

/** What the approved response has used; of a human's own response, what the model has used for the job. */
function usageOf(said: Json | undefined, { usage: counted }: Job): JsonObject | null {
  const usage = isJsonObject(said) ? said : ((counted ?? {}) as JsonObject);
  const input = asNumber(usage.prompt_tokens ?? usage.input_tokens);
  const output = asNumber(usage.completion_tokens ?? usage.output_tokens);
  if (input === undefined && output === undefined) return null;
  const inputDetails = [usage.prompt_tokens_details, usage.input_tokens_details].find(isJsonObject);
  const outputDetails = [usage.completion_tokens_details, usage.output_tokens_details].find(isJsonObject);
  return {
    input_tokens: input ?? 0,
    // The SDKs' types want these two figures; 0 where the model counts none.
    input_tokens_details: {
      cached_tokens: 0,
      ...withoutNulls(inputDetails ?? {}, Object.keys(inputDetails ?? {})),
    },
    output_tokens: output ?? 0,
    output_tokens_details: {
      reasoning_tokens: 0,
      ...withoutNulls(outputDetails ?? {}, Object.keys(outputDetails ?? {})),
    },
    total_tokens: asNumber(usage.total_tokens) ?? (input ?? 0) + (output ?? 0),
  };
}
