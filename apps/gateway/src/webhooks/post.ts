import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { DestinationError, isPrivateHost, publicOnly, type Resolver } from './destination';

/** A call may take this long, from the name's lookup to the reply's end, in milliseconds. */
const TIMEOUT = 15_000;
/** Bytes of a reply's body that are taken off the wire, and thrown away, before the connection is cut. */
const MAX_REPLY_BYTES = 4096;

export interface PostOptions {
  /** Let it reach private addresses. */
  allowPrivate: boolean;
  /** Milliseconds; 15,000 by default. */
  timeout?: number;
  /** Finds a name's addresses; the system's resolver by default. */
  resolve?: Resolver;
}

/** A receiver's reply. */
export interface ReceiverReply {
  statusCode: number;
  /** The header, as it came. */
  retryAfter: string | undefined;
}

/**
 * Posts JSON over a connection of its own. Redirects are not followed, certificates are always verified, proxies
 * of the environment are passed by.
 * @throws DestinationError before any connection to an address that is not public
 * @throws Error for everything that is no HTTP reply in time
 */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  { allowPrivate, timeout = TIMEOUT, resolve }: PostOptions,
): Promise<ReceiverReply> {
  const target = new URL(url);
  // A literal address is never looked up.
  if (!allowPrivate && isPrivateHost(target)) throw new DestinationError('the address is not public');
  const signal = AbortSignal.timeout(timeout);
  const { request } = target.protocol === 'https:' ? https : http;
  const call = request(target, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'hitl-webhooks',
    },
    agent: false,
    // Even where NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
    rejectUnauthorized: true,
    signal,
    ...(!allowPrivate && { lookup: publicOnly(resolve) }),
  });
  // Errors after the reply must not end the process.
  call.on('error', () => undefined);
  call.end(body);
  try {
    const [response] = (await once(call, 'response', { signal })) as [IncomingMessage];
    await discard(response);
    return { statusCode: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
  } catch (error) {
    if (signal.aborted) throw new Error(`no reply within ${timeout / 1000} s`, { cause: error });
    throw error;
  } finally {
    call.destroy();
  }
}

/** Lets the receiver finish a short reply; the status is known, so what goes wrong here does not matter. */
async function discard(response: IncomingMessage): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      if (size > MAX_REPLY_BYTES) return;
    }
  } catch {
    // Cut off or too slow.
  }
}
