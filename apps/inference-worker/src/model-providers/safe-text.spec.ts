import { describe, expect, it } from '@jest/globals';
import { safeText } from './safe-text';

describe("a provider's text", () => {
  it.each([
    [
      'Incorrect API key provided: sk-proj-abc*****wxyz. You can find it at https://platform.openai.com/account/api-keys.',
      'Incorrect API key provided: [key] You can find it at https://platform.openai.com/account/api-keys.',
    ],
    ['Authorization: Bearer abcdefgh12345678 is not known', 'Authorization: [key] is not known'],
    ['api_key="Zm9vYmFy" is not known', 'api_key="[key]" is not known'],
    ['gsk_0123456789abcdef and AIzaSyA0123456789abcdefghij', '[key] and [key]'],
    ['connect ECONNREFUSED 127.0.0.1:9', 'connect ECONNREFUSED [address]'],
    ['connect ECONNREFUSED ::1:8080', 'connect ECONNREFUSED [address]'],
    ['getaddrinfo ENOTFOUND vllm.models.svc.cluster.local', 'getaddrinfo ENOTFOUND [address]'],
    [
      'upstream 10.0.12.7:8000, 192.168.1.9, 172.20.0.3 and 169.254.169.254',
      'upstream [address], [address], [address] and [address]',
    ],
    ['http://vllm:8000/v1/chat/completions timed out', '[address]/v1/chat/completions timed out'],
    ['http://user:word@example.com/x', '[address]/x'],
    ['see http://localhost:11434/api', 'see [address]/api'],
  ])('is told without keys and internal addresses: %s', (text, safe) => {
    expect(safeText(text)).toBe(safe);
  });

  it.each([
    "This model's maximum context length is 8192 tokens. However, you requested 10.000 tokens (at 12:30:15).",
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    'Version 1.2.3.4 of 8.8.8.8, see https://example.com/docs#limits; risk-averse, task-force_one.',
    'The tokens: 12 and a secret agent',
  ])('keeps what is no secret: %s', (text) => {
    expect(safeText(text)).toBe(text);
  });

  it('hides the address and the key of the call, whatever they look like', () => {
    const call = { apiKey: 'my pass phrase', url: 'https://models.example.com:8443/v1' };
    expect(safeText('models.example.com:8443 does not take my pass phrase', call)).toBe(
      '[address] does not take [key]',
    );
  });

  it.each(['x', 'none', 'EMPTY'])(
    'keeps the words of a text when the key is the placeholder %s',
    (apiKey) => {
      expect(safeText('EMPTY texts have none of it', { apiKey })).toBe('EMPTY texts have none of it');
    },
  );

  it('is cut, has no NUL and no half pairs, and takes no time', () => {
    expect(safeText(`\0\ud800${'x'.repeat(5000)}`)).toBe(`\ufffd${'x'.repeat(999)}`);
    const started = performance.now();
    safeText('a.'.repeat(500_000));
    safeText(`http://${'a-'.repeat(500_000)}`);
    safeText('sk-'.repeat(300_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
