import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait on one connection for the one before them. */
const MAX_PIPELINED = 64;
/** A client that reads nothing of what waits for it for this long is cut off, in milliseconds. */
const MAX_STALL_MS = 30_000;
/** Bytes that may wait for all clients together; past it those who read nothing are cut off, the largest first. */
const MAX_UNREAD_BYTES = 100_663_296;
/** How often it is looked who reads nothing, in milliseconds. */
const LOOK_EVERY_MS = 1000;

interface Connection {
  /** Whether a request is being answered. */
  isBusy: boolean;
  waiting: { request: IncomingMessage; response: ServerResponse }[];
  /** Bytes that waited for the client when it was last looked. */
  unread: number;
}

/**
 * Keeps one client from filling the memory through its connections. Of requests that come together on one, each is begun
 * when the one before it was sent; who does not read what was sent is cut off.
 * @param maxConnections of all clients; who comes beyond is turned away
 */
export function guardConnections(
  server: Server,
  { maxConnections, maxUnreadBytes = MAX_UNREAD_BYTES }: { maxConnections: number; maxUnreadBytes?: number },
): void {
  const connections = new Map<Socket, Connection>();
  server.maxConnections = maxConnections;
  server.timeout = MAX_STALL_MS;
  oneAtATime(server, connections);

  server.on('connection', (socket: Socket) => {
    connections.set(socket, { isBusy: false, waiting: [], unread: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  // Nothing was sent or read for as long as the connection's timeout. While a request waits for its answer it may be quiet.
  server.on('timeout', (socket: Socket) => {
    if (!connections.get(socket)?.isBusy || socket.writableLength > 0) socket.destroy();
  });
  const looking = setInterval(() => cutUnread(connections, maxUnreadBytes), LOOK_EVERY_MS).unref();
  server.once('close', () => clearInterval(looking));
}

function oneAtATime(server: Server, connections: Map<Socket, Connection>): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  const begin = (connection: Connection, request: IncomingMessage, response: ServerResponse): void => {
    connection.isBusy = true;
    response.once('close', () => {
      connection.isBusy = false;
      const next = connection.waiting.shift();
      if (next) begin(connection, next.request, next.response);
    });
    for (const listener of listeners) listener.call(server, request, response);
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(request.socket);
    if (!connection || request.socket.destroyed) return;
    if (!connection.isBusy) begin(connection, request, response);
    else if (connection.waiting.length < MAX_PIPELINED) connection.waiting.push({ request, response });
    else request.socket.destroy();
  });
}

/** Cuts off those who have read nothing since the last look, as many as there must be. */
function cutUnread(connections: Map<Socket, Connection>, maxUnreadBytes: number): void {
  let total = 0;
  const stalled: Socket[] = [];
  for (const [socket, connection] of connections) {
    const unread = socket.writableLength;
    if (unread > 0 && unread >= connection.unread && connection.unread > 0) stalled.push(socket);
    connection.unread = unread;
    total += unread;
  }
  stalled.sort((a, b) => b.writableLength - a.writableLength);
  for (const socket of stalled) {
    if (total <= maxUnreadBytes) return;
    total -= socket.writableLength;
    socket.destroy();
  }
}
