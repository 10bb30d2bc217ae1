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
  send(method: string, path: string, init?: RequestInit): Promise<Answer>;
}

/** Speaks HTTP with a server, as its users do. Follows no redirect; no status is an error. */
export function createClient(url: string): Client {
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(new URL(path, url), { redirect: 'manual', ...init, method });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
  return {
    send,
    get: (path, headers = {}) => send('GET', path, { headers }),
    post(path, body, headers = {}) {
      if (body === undefined) return send('POST', path, { headers });
      const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream;
      return send('POST', path, {
        headers: { 'content-type': 'application/json', ...headers },
        body: raw ? body : JSON.stringify(body),
        ...(body instanceof ReadableStream && { duplex: 'half' }),
      });
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
