import { isJsonObject, type Json, type JsonText } from '../json';
import type { ApprovedAnswer, Correction } from './export-reader';

/** A message as trainers read it. What a submitter sent beside role and content is kept. */
export interface TrainingMessage {
  [key: string]: Json;
  role: string;
  content: string | null;
}

/** One line of supervised fine-tuning. */
export interface SftRow {
  prompt: TrainingMessage[];
  completion: TrainingMessage[];
  job_id: string;
  model: string | null;
  edited: boolean;
  finished_at: string;
}

/** One line of preference tuning. */
export interface PreferenceRow {
  prompt: TrainingMessage[];
  chosen: TrainingMessage[];
  rejected: TrainingMessage[];
  job_id: string;
  kind: Correction['kind'];
  model: string | null;
  finished_at: string;
}

/** An approved answer as a line; null where its prompt or its text cannot be told as messages of text. */
export function sftRow({
  jobId,
  model,
  edited,
  finishedAt,
  payload,
  response,
}: ApprovedAnswer): SftRow | null {
  const prompt = promptOf(payload);
  const text = answerText(response);
  if (!prompt || text === null) return null;
  return {
    prompt,
    completion: [assistant(text)],
    job_id: jobId,
    model,
    edited,
    finished_at: finishedAt.toISOString(),
  };
}

/** A correction as a line; null as for {@link sftRow}, and where both answers read the same. */
export function preferenceRow(correction: Correction): PreferenceRow | null {
  const prompt = promptOf(correction.payload);
  const chosen = answerText(correction.chosen);
  const rejected = answerText(correction.rejected);
  if (!prompt || chosen === null || rejected === null || chosen === rejected) return null;
  return {
    prompt,
    chosen: [assistant(chosen)],
    rejected: [assistant(rejected)],
    job_id: correction.jobId,
    kind: correction.kind,
    model: correction.model,
    finished_at: correction.finishedAt.toISOString(),
  };
}

function assistant(content: string): TrainingMessage {
  return { role: 'assistant', content };
}

/** A chat's messages; anything else as one message of the user. Null for a chat with more than text in it. */
function promptOf(json: JsonText): TrainingMessage[] | null {
  const payload = json.value;
  if (!isJsonObject(payload) || !Array.isArray(payload.messages) || payload.messages.length === 0) {
    return [{ role: 'user', content: typeof payload === 'string' ? payload : json.text }];
  }
  const messages: TrainingMessage[] = [];
  // Anthropic's Messages API has it beside the messages.
  if (payload.system !== undefined && payload.system !== null) {
    const system = plainText(payload.system);
    if (system === null) return null;
    messages.push({ role: 'system', content: system });
  }
  for (const message of json.member('messages')?.exact as Json[]) {
    if (!isJsonObject(message) || typeof message.role !== 'string') return null;
    const { role, content = null, ...rest } = message;
    const text = content === null ? null : plainText(content);
    if (text === null && content !== null) return null;
    messages.push({ role, content: text, ...rest });
  }
  return messages;
}

/**
 * The text of an answer: of a chat completion, of a message with content blocks, or any other JSON as it is written.
 * Null where there is none, or where tools are called, so that a text is not all of the answer.
 */
function answerText(json: JsonText): string | null {
  const response = json.value;
  if (response === null) return null;
  if (!isJsonObject(response)) return textOrNull(typeof response === 'string' ? response : json.text);
  const choice: Json | undefined = Array.isArray(response.choices) ? response.choices[0] : undefined;
  if (isJsonObject(choice) && isJsonObject(choice.message)) return messageText(choice.message);
  if (response.role === 'assistant' && response.content !== undefined) return messageText(response);
  return json.text;
}

function messageText({ content = null, tool_calls: calls }: { [key: string]: Json }): string | null {
  if (Array.isArray(calls) && calls.length > 0) return null;
  return textOrNull(
    plainText(Array.isArray(content) ? content.filter((part) => !isThinking(part)) : content),
  );
}

/** Whether a block of a message is how the model came to its answer, and no part of it. */
function isThinking(block: Json): boolean {
  return isJsonObject(block) && (block.type === 'thinking' || block.type === 'redacted_thinking');
}

/** A content that is a text, or nothing but parts of text; null for any other. */
function plainText(content: Json): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const texts = content.map((part) =>
    isJsonObject(part) && typeof part.text === 'string' ? part.text : null,
  );
  return texts.includes(null) ? null : texts.join('');
}

function textOrNull(text: string | null): string | null {
  return text === '' ? null : text;
}
