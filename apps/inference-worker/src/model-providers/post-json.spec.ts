import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { JsonText } from '@hitl/domain';
import { startModelStub, until, type ModelStub, type StubAnswer } from '@hitl/testing';
import { ModelError } from './model-provider';
import { parseRetryAfter, postJson } from './post-json';
import { MAX_ANSWER_BYTES } from './read-body';

/** A frame of zstd with one block as it is: Node 20 cannot make one. */
function zstd(text: string): Buffer {
  const content = Buffer.from(text);
  // Magic number; one segment with a size of one byte; the size; a last block that is raw; its bytes.
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from('28b52ffd20', 'hex'), Buffer.from([content.length]), block, content]);
}

/** A frame of zstd that repeats one blank, block by block. */
function zstdBomb(size: number): Buffer {
  const BLOCK = 131_072;
  const count = Math.ceil(size / BLOCK);
  const blocks = Array.from({ length: count }, (_, index) => {
    const block = Buffer.alloc(4, 32);
    block.writeUIntLE((BLOCK << 3) | 2 | Number(index === count - 1), 0, 3);
    return block;
  });
  // Magic number; no size; a window of 128 KiB.
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...blocks]);
}

describe('a call to a model', () => {
  let stub: ModelStub;
  beforeEach(async () => {
    stub = await startModelStub();
  });
  afterEach(() => stub.close());

  const patience = AbortSignal.timeout(30_000);
  const post = (options: { apiKey?: string; signal?: AbortSignal } = {}) =>
    postJson(stub.url, JsonText.of({ input: 'é🗝' }), { signal: patience, ...options });
  /** The ModelError that the call ends with when the model answers so. */
  async function failure(answer: StubAnswer): Promise<ModelError> {
    stub.answer = () => answer;
    const error: unknown = await post().then(
      () => 'an answer',
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ModelError);
    return error as ModelError;
  }

  it('posts the payload as JSON and returns the whole answer', async () => {
    stub.answer = () => ({ body: { choices: [1], extra: null } });
    expect((await post()).value).toEqual({ choices: [1], extra: null });
    expect(stub.requests).toMatchObject([
      { path: '/v1', headers: { 'content-type': 'application/json' }, body: { input: 'é🗝' } },
    ]);
    expect(stub.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('sends the key as a bearer token', async () => {
    await post({ apiKey: 'sk-1' });
    expect(stub.requests[0]?.headers.authorization).toBe('Bearer sk-1');
  });

  describe('that is refused', () => {
    it.each([408, 409, 429, 500, 502, 503, 529])('with %i may be repeated', async (status) => {
      expect(await failure({ status, body: { error: { message: 'busy' } } })).toMatchObject({
        message: `The model returned ${status}`,
        detail: `The model returned ${status}: busy`,
        retryable: true,
        retryAfterMs: undefined,
      });
    });

    it.each([400, 401, 403, 404, 413, 422])('with %i is not repeated', async (status) => {
      expect(await failure({ status, body: {} })).toMatchObject({ retryable: false });
    });

    it('waits as long as Retry-After says, in seconds', async () => {
      const busy = { status: 429, headers: { 'retry-after': '7' }, body: {} };
      expect(await failure(busy)).toMatchObject({ retryAfterMs: 7000 });
    });

    it('waits as long as Retry-After says, as a date', async () => {
      const date = new Date(Date.now() + 60_000).toUTCString();
      const { retryAfterMs } = await failure({ status: 429, headers: { 'retry-after': date }, body: {} });
      expect(retryAfterMs).toBeGreaterThan(50_000);
      expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    });

    it.each([
      [
        "OpenAI's error",
        { error: { message: 'No such model', type: 'invalid_request_error' } },
        'No such model',
      ],
      ['an error text', { error: 'No such model' }, 'No such model'],
      ['a message', { message: 'No such model' }, 'No such model'],
      ['a detail', { detail: 'No such model' }, 'No such model'],
      ['a list of one', [{ error: { message: 'No such model' } }], 'No such model'],
      ['a list of errors', { success: false, errors: [{ message: 'No such model' }] }, 'No such model'],
      ['anything else', { code: 7 }, '{"code":7}'],
      ['a text in JSON', 'No', '"No"'],
    ])('says why from %s, though not in the message, which is logged', async (_name, body, reason) => {
      expect(await failure({ status: 400, body })).toMatchObject({
        message: 'The model returned 400',
        detail: `The model returned 400: ${reason}`,
      });
    });

    it('says why from a page that is no JSON, cut to a thousand characters and cleaned', async () => {
      const { detail } = await failure({ status: 502, text: `<h1>\0${'x'.repeat(5000)}` });
      expect(detail).toBe(`The model returned 502: <h1>${'x'.repeat(996)}`);
    });

    it('says so when it says nothing', async () => {
      expect((await failure({ status: 500, text: '' })).detail).toBe('The model returned 500: (no text)');
    });

    it.each([
      [
        "OpenAI's",
        {
          error: {
            message: 'Too long',
            type: 'invalid_request_error',
            param: 'messages',
            code: 'context_length_exceeded',
          },
        },
        { code: 'context_length_exceeded', type: 'invalid_request_error', param: 'messages' },
      ],
      [
        "vLLM's",
        { object: 'error', message: 'Too long', type: 'BadRequestError', param: null, code: 400 },
        { code: null, type: 'BadRequestError', param: null },
      ],
      [
        "Anthropic's",
        { type: 'error', error: { type: 'invalid_request_error', message: 'Too long' } },
        { code: null, type: 'invalid_request_error', param: null },
      ],
      [
        "Google's",
        [{ error: { code: 400, message: 'Too long', status: 'INVALID_ARGUMENT' } }],
        { code: null, type: 'INVALID_ARGUMENT', param: null },
      ],
      [
        'names that are none',
        { error: { message: 'No', code: 'a b\nc', type: {} } },
        { code: null, type: null, param: null },
      ],
      ['a page', '<html>', { code: null, type: null, param: null }],
    ])('keeps status, code, type and parameter of an error of this form: %s', async (_form, body, names) => {
      expect((await failure({ status: 400, body })).failure).toEqual({ status: 400, ...names });
    });

    it.each([
      [
        'insufficient_quota',
        { error: { message: 'No quota', type: 'insufficient_quota', code: 'insufficient_quota' } },
      ],
      ['an empty balance', { error: { message: 'Pay', code: 'insufficient_balance' } }],
      ['billing', { error: { message: 'Pay', type: 'billing_not_active' } }],
    ])(
      'for %s is not repeated, though 429 is, but passed on to who has another account',
      async (_what, body) => {
        expect(await failure({ status: 429, body })).toMatchObject({ retryable: false, passesOn: true });
      },
    );

    it('is not repeated when the provider says that it should not be', async () => {
      const answer = { status: 429, headers: { 'x-should-retry': 'false' }, body: {} };
      expect(await failure(answer)).toMatchObject({ retryable: false });
    });

    it('never repeats the key that it was called with, nor the address', async () => {
      const address = new URL(stub.url).host;
      stub.answer = () => ({
        status: 401,
        body: {
          error: { message: `Key s3cret-4711 is not known at http://${address}/v1 nor 10.1.2.3:8000` },
        },
      });
      const error: any = await post({ apiKey: 's3cret-4711' }).catch((reason: unknown) => reason);
      expect(error.detail).toBe(
        'The model returned 401: Key [key] is not known at http://[address]/v1 nor [address]',
      );
    });

    it('by a redirect does not follow it, so that no key goes elsewhere', async () => {
      const moved = { status: 302, headers: { location: `${stub.url}/elsewhere` }, body: {} };
      expect(await failure(moved)).toMatchObject({ retryable: false });
      expect(stub.requests).toHaveLength(1);
    });
  });

  describe('whose answer cannot be used', () => {
    it.each([
      ['nothing', '', /empty body/],
      ['blanks', ' \n', /empty body/],
      ['null', 'null', /is empty: null/],
      ['an empty text', '""', /is empty: ""/],
      ['no JSON', 'Four.', /is not JSON\.$/],
      ['half of it', '{"choices": [', /is not JSON\.$/],
      [
        'too deep JSON',
        `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
        /is nested deeper than 500 levels\.$/,
      ],
      ['an event stream', 'data: {"choices": []}\n\n', /event stream: submit without "stream": true/],
    ])('because it is %s is not repeated', async (_name, text, message) => {
      const error = await failure({ text });
      expect(error.message).toMatch(message);
      expect(error.retryable).toBe(false);
    });

    it('because it has a key twice is asked of the next provider, but not repeated', async () => {
      const error = await failure({ text: '{"choices":[{"message":{"content":"4","content":"5"}}]}' });
      expect(error).toMatchObject({
        message: expect.stringContaining('a key twice in one object'),
        ...{ retryable: false, passesOn: true },
      });
    });

    it('because it is larger than 10 MiB is not repeated, nor read to its end', async () => {
      const error = await failure({ text: `"${'x'.repeat(MAX_ANSWER_BYTES)}"` });
      expect(error).toMatchObject({
        message: expect.stringContaining('larger than 10485760'),
        retryable: false,
      });
    });
  });

  describe('whose status is 200 though it failed', () => {
    it.each([
      ['an error', { error: { message: 'Overloaded', code: 502 } }, true],
      ['an error for good', { error: { message: 'Bad', code: 400 } }, false],
      ['an error of a type for good', { error: { message: 'Bad', type: 'invalid_request_error' } }, false],
      ['an empty account', { error: { message: 'Pay', code: 'insufficient_quota' } }, false],
      ['an error that is a text', { error: 'model is loading' }, true],
      [
        'an error beside an answer',
        { choices: [{ message: { content: 'The ' } }], error: { message: 'gone' } },
        true,
      ],
      ['an error in a list', [{ error: { message: 'Busy', code: 503 } }], true],
      ['an error by its object', { object: 'error', message: 'Busy', code: 503 }, true],
      ['an error by its type', { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }, true],
      ['a list of errors', { success: false, errors: [{ code: 7, message: 'Busy' }], result: null }, true],
    ])('with %s is no answer', async (_what, body, retryable) => {
      expect(await failure({ body })).toMatchObject({
        message: 'The model returned 200 with an error',
        detail: expect.stringMatching(/^The model returned 200 with an error: \w/),
        retryable,
      });
    });

    it.each([
      ['no error', { error: null, output: 'x' }],
      ['an empty one', { error: {}, output: 'x' }],
      ['an empty text', { error: '', output: 'x' }],
      ['a measure', { error: 0.03, output: 'x' }],
    ])('but that has %s is an answer', async (_what, body) => {
      stub.answer = () => ({ body });
      expect((await post()).value).toEqual(body);
    });
  });

  describe('whose answer is packed', () => {
    const text = JSON.stringify({ content: 'é🗝'.repeat(1000) });

    it.each([
      ['gzip', gzipSync(text)],
      ['x-gzip', gzipSync(text)],
      ['br', brotliCompressSync(text)],
      ['deflate', deflateSync(text)],
      ['deflate', deflateRawSync(text)],
      ['gzip, br', brotliCompressSync(gzipSync(text))],
      ['identity', Buffer.from(text)],
    ])('as %s is read', async (encoding, bytes) => {
      stub.answer = () => ({ bytes, headers: { 'content-encoding': encoding } });
      expect((await post()).value).toEqual(JSON.parse(text));
    });

    it('as zstd is read', async () => {
      stub.answer = () => ({ bytes: zstd('{"content":"packed"}'), headers: { 'content-encoding': 'zstd' } });
      expect((await post()).value).toEqual({ content: 'packed' });
    });

    it('is read when it is an error, too', async () => {
      const bytes = gzipSync('{"error":{"message":"No such model"}}');
      expect(await failure({ status: 404, bytes, headers: { 'content-encoding': 'gzip' } })).toMatchObject({
        detail: 'The model returned 404: No such model',
      });
    });

    it.each([
      ['gzip', gzipSync(Buffer.alloc(MAX_ANSWER_BYTES + 1, 32))],
      ['br', brotliCompressSync(Buffer.alloc(MAX_ANSWER_BYTES + 1, 32))],
      ['zstd', zstdBomb(MAX_ANSWER_BYTES + 1)],
    ])('as %s and larger than 10 MiB is not unpacked to its end', async (encoding, bytes) => {
      const error = await failure({ bytes, headers: { 'content-encoding': encoding } });
      expect(error).toMatchObject({
        message: expect.stringContaining('larger than 10485760'),
        retryable: false,
      });
    });

    it.each(['gzip', 'deflate', 'br', 'zstd'])('as %s and broken may be repeated', async (encoding) => {
      const error = await failure({
        bytes: Buffer.from('broken'),
        headers: { 'content-encoding': encoding },
      });
      expect(error).toMatchObject({
        message: `The model's response cannot be unpacked as ${encoding}.`,
        retryable: true,
      });
    });

    it('in an unknown way says which are read', async () => {
      const error = await failure({ bytes: Buffer.from('{}'), headers: { 'content-encoding': 'compress' } });
      expect(error.message).toMatch(/"compress"; read are identity, gzip, .*zstd/);
    });
  });

  it.each([
    ['UTF-8', Buffer.from('\ufeff{"a":"é"}')],
    ['UTF-16', Buffer.from('\ufeff{"a":"é"}', 'utf16le')],
    ['UTF-16, big end first', Buffer.from('\ufeff{"a":"é"}', 'utf16le').swap16()],
  ])('reads an answer that begins with the byte order mark of %s', async (_name, bytes) => {
    stub.answer = () => ({ bytes });
    expect((await post()).value).toEqual({ a: 'é' });
  });

  it.each([
    ['NUL', '{"a\\u0000":["x\\u0000y"]}', { 'a\0': ['x\0y'] }],
    ['half surrogate pairs', '["\\ud83d","\\ude00 \\uD83D\\uDE00"]', ['\ud83d', '\ude00 😀']],
    ['an escaped backslash before what looks like NUL', '["\\\\u0000"]', ['\\u0000']],
    ['other escapes', '["\\u00e9\\n"]', ['é\n']],
    ['values that are no text', '[0,false,null,{}, 1.5e3]', [0, false, null, {}, 1500]],
    ['a number as the whole answer', '0', 0],
  ])('takes an answer with %s as it is', async (_name, text, stored) => {
    stub.answer = () => ({ text });
    const answer = await post();
    expect(answer.text).toBe(text);
    expect(answer.value).toEqual(stored);
  });

  it('ends at once when its signal fires while the model is silent', async () => {
    stub.answer = () => 'hang';
    const ending = new AbortController();
    const call = post({ signal: ending.signal });
    await until('the model was asked', () => stub.requests.length === 1);
    ending.abort(new Error('too late'));
    await expect(call).rejects.toThrow();
  });

  it('ends at once when its signal fires in the middle of the answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await expect(postJson(url, new JsonText('{}'), { signal: AbortSignal.timeout(200) })).rejects.toThrow(
      /abort|timeout/i,
    );
    server.close();
  });

  it('may be repeated when nobody listens', async () => {
    const url = stub.url;
    await stub.close();
    const error: unknown = await postJson(url, new JsonText('{}'), { signal: patience }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      name: 'ModelError',
      retryable: true,
      message: expect.stringMatching(/^The model cannot be reached: .*ECONNREFUSED/),
    });
  });

  it('may be repeated when the connection breaks in the middle of the answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const error: unknown = await postJson(url, new JsonText('{}'), { signal: patience }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'ModelError', retryable: true });
    server.close();
  });
});

describe('Retry-After', () => {
  it.each([
    [undefined, undefined],
    ['0', 0],
    [' 12 ', 12_000],
    [['3', '4'], 3000],
    ['soon', undefined],
    ['', undefined],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ])('%p is %p ms', (header, expected) => {
    expect(parseRetryAfter(header)).toBe(expected);
  });
});
