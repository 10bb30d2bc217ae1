import { createHash } from 'node:crypto';
import { DEMO_MODEL } from '@hitl/config';
import { isJsonObject, JsonText, type Json } from '@hitl/domain';
import model from 'wink-eng-lite-web-model';
import winkNLP, { type ItemSentence, type ItemToken } from 'wink-nlp';
import type { ModelProvider } from './model-provider';

const NOTICE = '[demo model, not an LLM]';
/** Sentences that a summary picks. */
const SUMMARY_SENTENCES = 3;
/** Characters of the request that are read. */
const MAX_TEXT_LENGTH = 20_000;

/**
 * Answers offline and without a key, so that the first minute needs no model: it extracts, it does not generate.
 * The same request gets the same answer, in the shape of a chat completion.
 */
export function createDemoProvider(): ModelProvider {
  const nlp = winkNLP(model);
  const { its } = nlp;

  const answer = (text: string): string => {
    const doc = nlp.readDoc(text);
    const wordCounts = new Map<string, number>();
    const isContent = (token: ItemToken): boolean =>
      token.out(its.type) === 'word' && !token.out(its.stopWordFlag);
    doc.tokens().each((token: ItemToken) => {
      if (!isContent(token)) return;
      const word = token.out(its.normal);
      wordCounts.set(word, (wordCounts.get(word) ?? 0) + 1);
    });
    const scored: { text: string; index: number; score: number }[] = [];
    doc.sentences().each((sentence: ItemSentence, index: number) => {
      let score = 0;
      let words = 0;
      sentence.tokens().each((token: ItemToken) => {
        if (!isContent(token)) return;
        score += wordCounts.get(token.out(its.normal)) ?? 0;
        words += 1;
      });
      scored.push({ text: sentence.out().trim(), index, score: words > 0 ? score / Math.sqrt(words) : 0 });
    });
    const summary = scored
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, SUMMARY_SENTENCES)
      .sort((a, b) => a.index - b.index)
      .map((sentence) => sentence.text)
      .join(' ');
    const keywords = [...wordCounts.entries()]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 5)
      .map(([word]) => word);
    const entities = [...new Set(doc.entities().out())].slice(0, 5);
    return [
      `${NOTICE} The request's main sentences: ${summary === '' ? '(no text)' : summary}`,
      ...(keywords.length > 0 ? [`Keywords: ${keywords.join(', ')}.`] : []),
      ...(entities.length > 0 ? [`Entities: ${entities.join(', ')}.`] : []),
    ].join('\n');
  };

  const answerTo = (payload: JsonText) => {
    const text = textOf(payload.value).slice(0, MAX_TEXT_LENGTH);
    const content = answer(text);
    return {
      id: `demo-${createHash('sha256').update(text).digest('hex').slice(0, 24)}`,
      content,
      promptTokens: nlp.readDoc(text).tokens().length(),
      completionTokens: nlp.readDoc(content).tokens().length(),
    };
  };

  return {
    infer(payload) {
      const { id, content, promptTokens, completionTokens } = answerTo(payload);
      const completion = {
        id,
        object: 'chat.completion',
        // Fixed, since the same request gets the same answer.
        created: 0,
        model: DEMO_MODEL,
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: {
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          total_tokens: promptTokens + completionTokens,
        },
      };
      return Promise.resolve(JsonText.of(completion));
    },
    inferMessage(payload) {
      const { id, content, promptTokens, completionTokens } = answerTo(payload);
      const message = {
        id,
        type: 'message',
        role: 'assistant',
        model: DEMO_MODEL,
        content: [{ type: 'text', text: content }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: promptTokens, output_tokens: completionTokens },
      };
      return Promise.resolve(JsonText.of(message));
    },
  };
}

/** The words of a request: a chat's user messages, `input` with `feedback`, or every text in it. */
function textOf(payload: Json): string {
  if (typeof payload === 'string') return payload;
  if (isJsonObject(payload) && Array.isArray(payload.messages)) {
    return payload.messages
      .filter((message) => isJsonObject(message) && message.role === 'user')
      .map((message) => textsIn((message as { content?: Json }).content ?? null).join(' '))
      .join('\n');
  }
  return textsIn(payload).join('\n');
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return value === null ? [] : [String(value)];
  return Object.entries(value)
    .filter(([key]) => key !== 'type' && key !== 'model' && key !== 'previous_response')
    .flatMap(([, inner]) => textsIn(inner));
}
