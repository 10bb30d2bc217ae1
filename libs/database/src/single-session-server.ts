import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';

/** What a client may ask before it starts a session; each is told no with one byte, or dropped. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
/** Largest message that a client may send, in bytes. PostgreSQL's own limit. */
const MAX_MESSAGE_BYTES = 0x3fff_ffff;

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
const TERMINATE = 0x58;
const ERROR_RESPONSE = 0x45;

/**
 * Serves PGlite over PostgreSQL's wire protocol. PGlite has one session, whoever connects: connections are served one
 * after the other, and each finds the session as a new one. What the connection before has left (an open transaction,
 * prepared statements, its role, settings, advisory locks, half an exchange) is thrown away first.
 */
export class SingleSessionServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #turn: Promise<void> = Promise.resolve();

  constructor(private readonly db: PGlite) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      // A client that goes away ends its turn below; its error has no other reader.
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
      this.#turn = this.#turn.then(() => this.#serve(socket));
    });
  }

  /** Resolves once clients can connect to the socket at `path`. */
  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  /** Cuts every connection and resolves when the session is idle. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([closed, this.#turn]);
  }

  async #serve(socket: Socket): Promise<void> {
    if (socket.destroyed) return;
    try {
      await this.#resetSession();
      for await (const message of readMessages(socket)) {
        if (message[0] === TERMINATE) break;
        socket.cork();
        await this.db.execProtocolRawStream(message, {
          // PGlite uses the memory again.
          onRawData: (data) => socket.writable && socket.write(Buffer.from(data)),
        });
        socket.uncork();
      }
    } catch {
      // The connection broke, or PGlite gave up on a message: either way the client loses its connection and sees that.
    } finally {
      socket.destroy();
    }
  }

  /** @throws Error when the session cannot be reset */
  async #resetSession(): Promise<void> {
    // Sync first: after an error in the middle of an exchange PostgreSQL passes over everything before it.
    for (const message of [SYNC, queryMessage('ROLLBACK'), queryMessage('DISCARD ALL')]) {
      const answers: (number | undefined)[] = [];
      await this.db.execProtocolRawStream(message, { onRawData: (data) => answers.push(data[0]) });
      if (answers.includes(ERROR_RESPONSE))
        throw new Error('The embedded database did not reset its session.');
    }
  }
}

/** Cuts what a client sends into PostgreSQL's messages, and answers what comes before its session. */
async function* readMessages(socket: Socket): AsyncGenerator<Uint8Array> {
  let chunks: Buffer[] = [];
  let size = 0;
  let started = false;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    for (;;) {
      // A type byte, once started, and a length that counts itself.
      const lengthAt = started ? 1 : 0;
      const head = firstBytes(chunks, lengthAt + 8);
      if (head.length < lengthAt + 4) break;
      const total = lengthAt + head.readInt32BE(lengthAt);
      if (total < lengthAt + 4 || total > MAX_MESSAGE_BYTES)
        throw new Error('This is no PostgreSQL message.');
      if (size < total) break;
      // Joined once per message: joining at each chunk would copy a large one hundreds of times.
      const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      const message = all.subarray(0, total);
      const rest = all.subarray(total);
      chunks = rest.length > 0 ? [rest] : [];
      size = rest.length;
      if (!started) {
        const code = total >= 8 ? message.readInt32BE(4) : 0;
        if (code === SSL_REQUEST || code === GSS_REQUEST) {
          socket.write('N');
          continue;
        }
        if (code === CANCEL_REQUEST) return;
        started = true;
      }
      yield message;
    }
  }
}

/** The first bytes of a list of chunks, as many as there are up to `count`. */
function firstBytes(chunks: Buffer[], count: number): Buffer {
  const [first] = chunks;
  if (first && first.length >= count) return first.subarray(0, count);
  const some: Buffer[] = [];
  let have = 0;
  for (const chunk of chunks) {
    if (have >= count) break;
    some.push(chunk.subarray(0, count - have));
    have += Math.min(chunk.length, count - have);
  }
  return Buffer.concat(some);
}

/** PostgreSQL's message for a simple query. */
function queryMessage(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`);
  const message = Buffer.alloc(5 + text.length);
  message.write('Q');
  message.writeInt32BE(4 + text.length, 1);
  text.copy(message, 5);
  return message;
}
