import { isJsonObject, type Json } from '@hitl/domain';

/**
 * The payload with what reviewers asked for: chat payloads get a user message for each, others get `feedback` beside
 * what is there. A payload that is not an object becomes `{"input": …, "feedback": …}`.
 */
export function withFeedback(payload: Json, feedback: string[]): Json {
  if (feedback.length === 0) return payload;
  if (isJsonObject(payload) && Array.isArray(payload.messages)) {
    return {
      ...payload,
      messages: [...payload.messages, ...feedback.map((content) => ({ role: 'user', content }))],
    };
  }
  const text = feedback.join('\n');
  return isJsonObject(payload) ? { ...payload, feedback: text } : { input: payload, feedback: text };
}
