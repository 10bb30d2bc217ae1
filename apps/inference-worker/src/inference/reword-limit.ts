import { isJsonObject, type JsonText } from '@hitl/domain';
import type { ModelError } from '../model-providers/model-provider';

/** OpenAI's older and newer name for the most tokens that an answer may have. */
const NAMES = ['max_tokens', 'max_completion_tokens'] as const;

/**
 * The payload with its token limit under the other name, if the model has refused it for the one that it has.
 * @returns null where that is not why
 */
export function rewordLimit(payload: JsonText, { failure, detail }: ModelError): JsonText | null {
  const { value } = payload;
  if (!isJsonObject(value) || failure === null || ![400, 422].includes(failure.status)) return null;
  const name = NAMES.find((candidate) => Object.hasOwn(value, candidate));
  if (name === undefined) return null;
  // `max_tokens` is no word of its own in `max_completion_tokens`.
  if (failure.param !== name && !new RegExp(`\\b${name}\\b`).test(detail)) return null;
  // A limit that is too high has the right name.
  if (
    !/unsupported|unknown|unrecogni[sz]ed|unexpected|not (?:supported|permitted|allowed)|extra|\binstead\b/i.test(
      `${failure.code ?? ''} ${detail}`,
    )
  )
    return null;
  return payload.renamed(name, name === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens');
}
