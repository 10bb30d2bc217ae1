import { JsonText, type Job, type Json, type PayloadSummary } from '@hitl/domain';
import { LARGE_JSON_BYTES, makeLarge, payloadOf } from '../http/large-json';
import { readChatRequest, toChatResponse, type ChatRequest } from './chat';
import { framesOf, type StreamOptions } from './chat-frames';
import { itemsBehind, toResponse } from './responses';
import { readResponsesRequest, referencesIn, type ResponsesRequest } from './responses-request';

/*
 * What the APIs read and write, as in the files beside: at once where it is small, in the sandbox `bodies` where it is
 * large.
 */

/** What a task returns of a request: its texts are bytes beside it. */
export type Without<T> = Omit<T, 'payload' | 'askedFor'> & { summary: PayloadSummary };

/** A job for a task: what the APIs show of it, and which of its texts are bytes beside it, in their order. */
export interface SentJob {
  fields: Pick<Job, (typeof SHOWN)[number]>;
  texts: TextField[];
}
type TextField = 'response' | 'askedFor';

const SHOWN = [
  'id',
  'status',
  'createdAt',
  'finishedAt',
  'model',
  'usage',
  'metadata',
  'failureReason',
  'failureDetail',
  'modelFailure',
] as const satisfies (keyof Job)[];

/** @throws DomainError as {@link readChatRequest}, and as makeLarge */
export async function readChat(body: unknown, owner: string): Promise<ChatRequest> {
  if (!isLarge(body)) return readChatRequest(body);
  const { made, bytes } = await makeLarge<Without<ChatRequest>>('readChat', [], [body.bytes], owner);
  const { summary, ...request } = made;
  return { ...request, payload: payloadOf(bytes[0] ?? body.bytes, summary) };
}

/** @throws DomainError as {@link referencesIn}, and as makeLarge */
export async function readReferences(body: unknown, owner: string): Promise<string[]> {
  if (!isLarge(body)) return referencesIn(body);
  return (await makeLarge<string[]>('readReferences', [], [body.bytes], owner)).made;
}

/**
 * @param known the jobs of the items that the request refers to
 * @throws DomainError as {@link readResponsesRequest}, and as makeLarge
 */
export async function readResponses(body: unknown, known: Job[], owner: string): Promise<ResponsesRequest> {
  const isSmall = !isLarge(body) && !known.some(({ response }) => isLarge(response));
  if (isSmall || !(body instanceof JsonText)) return readResponsesRequest(body, itemsBehind(known));
  const jobs = known.map((job) => sent(job, ['response']));
  const { made, bytes } = await makeLarge<Without<ResponsesRequest>>(
    'readResponses',
    [jobs.map(({ job }) => job)],
    [body.bytes, ...jobs.flatMap((one) => one.bytes)],
    owner,
  );
  const [payload, askedFor] = bytes as [Buffer, Buffer];
  const { summary, ...request } = made;
  return { ...request, payload: payloadOf(payload, summary), askedFor: new JsonText(askedFor) };
}

/** @throws DomainError as makeLarge */
export async function chatResponseOf(job: Job): Promise<Json | JsonText> {
  if (!isLarge(job.response)) return toChatResponse(job);
  const { job: fields, bytes } = sent(job, ['response']);
  const { bytes: made } = await makeLarge('toChatResponse', [fields], bytes, job.submitter);
  return made[0] ? new JsonText(made[0]) : job.response;
}

/** @throws DomainError as makeLarge */
export async function responseOf(job: Job): Promise<Json | JsonText> {
  if (!isLarge(job.response) && !isLarge(job.askedFor)) return toResponse(job);
  const { job: fields, bytes } = sent(job, ['response', 'askedFor']);
  const { bytes: made } = await makeLarge('toResponse', [fields], bytes, job.submitter);
  return made[0] ? new JsonText(made[0]) : null;
}

/** The frames of a stream with an approved completion, each when the one before was taken. @throws DomainError as makeLarge */
export async function chatFramesOf(job: Job, options: StreamOptions): Promise<Iterable<string | Buffer>> {
  if (!isLarge(job.response)) return framesOf(job, options);
  const { job: fields, bytes } = sent(job, ['response']);
  const { bytes: frames } = await makeLarge('toFrames', [fields, options], bytes, job.submitter);
  return piecesOf(frames[0] ?? Buffer.alloc(0));
}

/** Bytes that a client is sent at once of a large stream. */
const PIECE_BYTES = 65_536;

export function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

export function isLarge(json: unknown): json is JsonText {
  return json instanceof JsonText && json.size > LARGE_JSON_BYTES;
}

export function sent(job: Job, names: TextField[]): { job: SentJob; bytes: Buffer[] } {
  const fields = Object.fromEntries(SHOWN.map((name) => [name, job[name]])) as unknown as SentJob['fields'];
  const given = names.flatMap((name) => (job[name] === null ? [] : [{ name, bytes: job[name].bytes }]));
  return {
    job: { fields, texts: given.map(({ name }) => name) },
    bytes: given.map(({ bytes }) => bytes),
  };
}
