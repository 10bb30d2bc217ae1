import {
  DomainError,
  JsonText,
  setSummary,
  type ErrorCode,
  type FieldFault,
  type Json,
  type PayloadSummary,
} from '@hitl/domain';
import { SandboxError, SANDBOXES } from '@hitl/sandbox';
import { parseJsonBody } from './json-body';

/**
 * JSON of more bytes is large: it is read and written in the sandbox `bodies`, so that one client's large requests and
 * responses do not keep others waiting. Here it is bytes only.
 */
export const LARGE_JSON_BYTES = 131_072;

/** What a task of the sandbox `bodies` returns: what it has made, or why it refuses what was sent. */
export type Made<T> = { made: T } | { refusal: { code: ErrorCode; detail: string; faults: FieldFault[] } };

/** A body as the sandbox has read it. */
export interface LargeBody {
  /** Bytes of a byte order mark before it. */
  from: number;
  /** Of a body that is passed on as a whole. */
  summary?: PayloadSummary;
  /** Of any other: its value, with null for each of its verbatim members. */
  rest?: Json;
  /** These members: the path to each, its bytes in the body, and of a payload what is known of it. */
  texts?: { path: (string | number)[]; start: number; end: number; summary?: PayloadSummary }[];
}

/**
 * Reads a request body as {@link parseJsonBody} does, a large one in the sandbox.
 * @param owner on whose behalf
 * @param weigh as there; not called for a large one, of which no values are made here
 * @throws DomainError invalid_json, body_too_large, unavailable
 */
export async function readJsonBody(
  bytes: Buffer,
  isPassedOn: boolean,
  owner: string,
  weigh: (parts: number) => void,
): Promise<Json | JsonText> {
  if (bytes.length <= LARGE_JSON_BYTES) return parseJsonBody(bytes, isPassedOn, weigh).value;
  const { made } = await makeLarge<LargeBody>('readBody', [isPassedOn], [bytes], owner);
  const { from, summary, rest = null, texts } = made;
  if (!texts) return payloadOf(bytes.subarray(from), summary);
  for (const { path, start, end, summary: known } of texts) {
    const last = path.pop();
    let fields: unknown = rest;
    for (const step of path) fields = (fields as Record<string | number, unknown>)[step];
    const json = payloadOf(bytes.subarray(start, end), known);
    Object.defineProperty(fields, last ?? '', { value: json, ...ORDINARY });
  }
  return rest;
}

const ORDINARY = { enumerable: true, writable: true, configurable: true };

/** A payload that the sandbox has summarised. */
export function payloadOf(bytes: Buffer, summary: PayloadSummary | undefined): JsonText {
  const payload = new JsonText(bytes);
  if (summary) setSummary(payload, summary);
  return payload;
}

/**
 * Runs a task of the sandbox `bodies`.
 * @throws DomainError its refusal; body_too_large, unavailable
 */
export async function makeLarge<T>(
  task: string,
  args: unknown[],
  bytes: Buffer[],
  owner: string,
): Promise<{ made: T; bytes: Buffer[] }> {
  const { result, bytes: brought } = await SANDBOXES.bodies
    .runOnBytes<Made<T>>(task, args, bytes, owner)
    .catch(refuse);
  if ('made' in result) return { made: result.made, bytes: brought };
  const { code, detail, faults } = result.refusal;
  throw new DomainError(code, detail, faults);
}

function refuse(error: unknown): never {
  if (!(error instanceof SandboxError)) throw error;
  switch (error.reason) {
    case 'time':
    case 'memory':
      throw new DomainError(
        'body_too_large',
        `The JSON takes more to read than there is for one request: ${error.message}. Send less of it.`,
      );
    case 'busy':
      throw new DomainError(
        'unavailable',
        'Too many large requests and responses are being read right now. Nothing has happened; try again in a few seconds.',
      );
    case 'failed':
      throw error;
  }
}
