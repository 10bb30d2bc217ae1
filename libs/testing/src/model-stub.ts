import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A request as the stub got it. */
export interface StubRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
  /** The body as it came. */
  text: string;
  /** When it had arrived, in milliseconds. */
  at: number;
  /** Whether the caller hung up before it had the whole answer. */
  aborted: boolean;
}

/** How the stub answers: a completion by default. `hang` never answers. */
export type StubAnswer =
  | 'hang'
  | {
      status?: number;
      headers?: Record<string, string>;
      body?: unknown;
      text?: string;
      bytes?: Buffer;
      delayMs?: number;
    };

export interface ModelStub {
  /** Root of the API: MODEL_BASE_URL for the provider `openai`, base_url of `openai` and `anthropic`. */
  url: string;
  requests: StubRequest[];
  /** The bodies of answers that were none of a failure. */
  said: unknown[];
  /** Decides every answer from now on; the default repeats the last message, in the words of the API that was called. */
  answer: (request: StubRequest, index: number) => StubAnswer | Promise<StubAnswer>;
  close(): Promise<void>;
}

/** What an OpenAI-compatible server answers to a chat. */
export function completion(content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'stub',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
  };
}

/** What Anthropic's Messages API answers. */
export function anthropicMessage(content: string): object {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-stub',
    content: [{ type: 'text', text: content }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 5 },
  };
}

/** An HTTP server that speaks the chat completions protocol, and Anthropic's under /messages, on a free port of loopback. */
export async function startModelStub(): Promise<ModelStub> {
  const stub: ModelStub = {
    url: '',
    requests: [],
    said: [],
    answer: ({ path, body }) => {
      const content =
        (body as { messages?: { content: unknown }[] } | null)?.messages?.at(-1)?.content ?? body;
      const reply = `You said: ${typeof content === 'string' ? content : JSON.stringify(content)}`;
      return { body: path.endsWith('/messages') ? anthropicMessage(reply) : completion(reply) };
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ object: 'list', data: [{ id: 'stub', object: 'model', owned_by: 'the stub' }] }),
      );
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const received: StubRequest = {
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(text) as unknown,
      text,
      at: Date.now(),
      aborted: false,
    };
    response.once('close', () => {
      received.aborted = !response.writableFinished;
    });
    stub.requests.push(received);
    const answer = await stub.answer(received, stub.requests.length - 1);
    if (answer === 'hang') return;
    const { status = 200, headers = {}, body, delayMs = 0 } = answer;
    if (status < 300 && body !== undefined) stub.said.push(body);
    const bytes = answer.bytes ?? answer.text ?? JSON.stringify(body);
    setTimeout(() => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(bytes);
    }, delayMs);
  };
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return stub;
}
