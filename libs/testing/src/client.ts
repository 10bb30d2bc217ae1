import { connect } from 'node:net';

/** An HTTP answer, read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The body as it came. */
  text: string;
  /** The body as JSON; undefined when it is none. */
  body: any;
}

export interface Client {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Sends `body` as JSON; a string, bytes or a stream go as they are. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, init?: RequestInit): Promise<Answer>;
}

/** Speaks HTTP with a server, as its users do. Follows no redirect; no status is an error. */
export function createClient(url: string): Client {
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, { redirect: 'manual', ...init, method });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
  const write = (method: string, path: string, body: unknown, headers: Record<string, string>) => {
    if (body === undefined) return send(method, path, { headers });
    const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream;
    return send(method, path, {
      headers: { 'content-type': 'application/json', ...headers },
      body: raw ? body : JSON.stringify(body),
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    });
  };
  return {
    send,
    get: (path, headers = {}) => send('GET', path, { headers }),
    post: (path, body, headers = {}) => write('POST', path, body, headers),
    put: (path, body, headers = {}) => write('PUT', path, body, headers),
    delete: (path, headers = {}) => send('DELETE', path, { headers }),
  };
}

/** Writes bytes to a server as they are, ends the sending half, and reads the first answer. */
export async function sendRaw(url: string, bytes: string): Promise<Answer> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // The server may hang up before it has read everything.
  socket.on('error', () => undefined);
  socket.end(bytes);
  await closed;
  const [head = '', rest = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const text = Buffer.from(rest)
    .subarray(0, Number(headers.get('content-length') ?? Infinity))
    .toString();
  return { status: Number(statusLine.split(' ')[1]), headers, text, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
