import { isJobId, isJsonObject, type Job, type Json } from '@hitl/domain';
import { completionText, invalid, textsOf, toChatCompletion, type JsonObject } from './chat';

/** A request of the Responses API as the chat that the model gets. */
export interface ResponsesRequest {
  payload: JsonObject;
  background: boolean;
  metadata?: Record<string, string>;
}

/** Parameters that reach the model, and those that ask for nothing here. */
const UNDERSTOOD = [
  ...[
    'model',
    'input',
    'instructions',
    'background',
    'metadata',
    'max_output_tokens',
    'temperature',
    'top_p',
    'text',
  ],
  ...[
    'store',
    'stream',
    'user',
    'safety_identifier',
    'prompt_cache_key',
    'service_tier',
    'truncation',
    'include',
  ],
];

/** @throws DomainError invalid_request naming the parameter that is missing, wrong or not understood */
export function readResponsesRequest(body: unknown): ResponsesRequest {
  if (!isJsonObject(body)) throw invalid('', 'the body must be a JSON object');
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  for (const name of Object.keys(given)) {
    if (!UNDERSTOOD.includes(name)) throw invalid(name, 'is not understood by this server');
  }
  const { model, input, instructions, background = false, metadata, text } = given;
  if (typeof model !== 'string' || model === '') throw invalid('model', 'names the model, a text');
  if (instructions !== undefined && typeof instructions !== 'string')
    throw invalid('instructions', 'must be a text');
  if (typeof background !== 'boolean') throw invalid('background', 'must be true or false');
  if (given.stream === true)
    throw invalid('stream', 'is offered by chat completions only; poll, or leave it out');
  const format = isJsonObject(text) ? text.format : undefined;
  return {
    background,
    metadata: textsOf(metadata),
    payload: {
      model,
      messages: [
        ...(instructions === undefined ? [] : [{ role: 'system', content: instructions }]),
        ...readInput(input),
      ],
      ...(given.max_output_tokens !== undefined && { max_tokens: given.max_output_tokens }),
      ...(given.temperature !== undefined && { temperature: given.temperature }),
      ...(given.top_p !== undefined && { top_p: given.top_p }),
      ...(isJsonObject(format) && format.type !== 'text' && { response_format: toResponseFormat(format) }),
    },
  };
}

function readInput(input: Json | undefined): JsonObject[] {
  if (typeof input === 'string' && input !== '') return [{ role: 'user', content: input }];
  if (!Array.isArray(input) || input.length === 0)
    throw invalid('input', 'must be a text or a list of messages');
  return input.map((item, index) => {
    const name = `input[${index}]`;
    if (!isJsonObject(item) || (item.type !== undefined && item.type !== 'message')) {
      throw invalid(name, 'must be a message');
    }
    if (typeof item.role !== 'string') throw invalid(`${name}.role`, 'must be a text');
    return {
      role: item.role === 'developer' ? 'system' : item.role,
      content: readContent(item.content, name),
    };
  });
}

function readContent(content: Json | undefined, name: string): Json {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid(`${name}.content`, 'must be a text or a list of parts');
  return content.map((part, index): Json => {
    if (isJsonObject(part) && typeof part.text === 'string') return { type: 'text', text: part.text };
    if (isJsonObject(part) && part.type === 'input_image' && typeof part.image_url === 'string') {
      return { type: 'image_url', image_url: { url: part.image_url } };
    }
    throw invalid(`${name}.content[${index}]`, 'must be an input_text, or an input_image with an image_url');
  });
}

/** The Responses API keeps the schema beside the type, chat completions inside `json_schema`. */
function toResponseFormat({ type, ...schema }: JsonObject): JsonObject {
  return type === 'json_schema' ? { type, json_schema: schema } : { type: type ?? 'text' };
}

/** The job that a response's id stands for; null for anything else. */
export function jobIdOf(responseId: string): string | null {
  const id = responseId.replace(/^resp_/, '');
  return isJobId(id) ? id : null;
}

/** Where the Responses API sees a job. A rejected answer is an incomplete one, which the SDKs have a type for. */
function statusOf(job: Job): 'queued' | 'in_progress' | 'completed' | 'failed' | 'incomplete' | 'cancelled' {
  switch (job.status) {
    case 'bot':
      return 'queued';
    case 'human':
      return 'in_progress';
    case 'success':
      return 'completed';
    case 'fail':
      if (job.failureReason === 'rejected') return 'incomplete';
      return job.failureReason === 'cancelled' ? 'cancelled' : 'failed';
  }
}

/** A job as an object of the Responses API. The answer is in it only once a human has approved it. */
export function toResponse(job: Job, background: boolean): JsonObject {
  const status = statusOf(job);
  const payload = isJsonObject(job.payload) ? job.payload : {};
  const first = Array.isArray(payload.messages) ? payload.messages[0] : undefined;
  const text = status === 'completed' ? completionText(toChatCompletion(job)) : null;
  return {
    id: `resp_${job.id}`,
    object: 'response',
    created_at: Math.floor(job.createdAt.getTime() / 1000),
    completed_at:
      status === 'completed' && job.finishedAt ? Math.floor(job.finishedAt.getTime() / 1000) : null,
    status,
    background,
    error: status === 'failed' ? { code: 'server_error', message: job.failureDetail ?? 'no answer' } : null,
    incomplete_details: status === 'incomplete' ? { reason: 'content_filter' } : null,
    instructions: isJsonObject(first) && first.role === 'system' ? (first.content ?? null) : null,
    max_output_tokens: payload.max_tokens ?? null,
    model: payload.model ?? '',
    output: text === null ? [] : [outputMessage(job.id, text)],
    parallel_tool_calls: true,
    previous_response_id: null,
    store: true,
    temperature: payload.temperature ?? null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: payload.top_p ?? null,
    truncation: 'disabled',
    usage: status === 'completed' ? usageOf(job) : null,
    metadata: job.metadata,
  };
}

function outputMessage(jobId: string, text: string): JsonObject {
  return {
    id: `msg_${jobId}`,
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
  };
}

function usageOf({ usage }: Job): Json {
  if (!usage) return null;
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.total_tokens,
  };
}
