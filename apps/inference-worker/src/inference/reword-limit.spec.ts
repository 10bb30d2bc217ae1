import { describe, expect, it } from '@jest/globals';
import { JsonText } from '@hitl/domain';
import { ModelError } from '../model-providers/model-provider';
import { rewordLimit } from './reword-limit';

const refused = (detail: string, param: string | null = null, status = 400) =>
  new ModelError('refused', false, { detail, failure: { status, code: null, type: null, param } });

describe('the token limit of a translated request', () => {
  it.each([
    [
      'max_tokens',
      'max_completion_tokens',
      "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
    ],
    ['max_completion_tokens', 'max_tokens', 'Unrecognized request argument supplied: max_completion_tokens'],
    ['max_completion_tokens', 'max_tokens', 'body.max_completion_tokens: Extra inputs are not permitted'],
  ])('goes from %s to %s when the model refuses it by name', (from, to, detail) => {
    const payload = (name: string) => new JsonText(`{"n":1.0, "${name}" : 5e1, "model":"m"}`);
    expect(rewordLimit(payload(from), refused(detail))).toEqual(payload(to));
  });

  it.each([
    ['another parameter', { max_tokens: 50 }, refused("Unsupported parameter: 'temperature'", 'temperature')],
    [
      'its value',
      { max_tokens: 50 },
      refused('max_tokens is too large: 50. This model supports at most 40', 'max_tokens'),
    ],
    [
      'a parameter that was not sent',
      { temperature: 1 },
      refused("Unsupported parameter: 'max_tokens'", 'max_tokens'),
    ],
    [
      'a failure that passes',
      { max_tokens: 50 },
      refused('max_tokens: not supported yet', 'max_tokens', 503),
    ],
    ['a connection', { max_tokens: 50 }, new ModelError('ECONNREFUSED max_tokens unsupported', true)],
  ])('stays when the model complains about %s', (_what, payload, error) => {
    expect(rewordLimit(JsonText.of(payload), error)).toBeNull();
  });
});
