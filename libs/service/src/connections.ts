import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { metrics } from '@hitl/observability';

/** Requests that may wait on one connection for the one before them. */
const MAX_PIPELINED = 64;
/** A client that reads nothing of what waits for it for this long is cut off, in milliseconds. */
const MAX_STALL_MS = 30_000;
/** Bytes that may wait for all clients together; past it those are cut off who read slowly, and past half as much again others, too. */
const MAX_UNREAD_BYTES = 67_108_864;
/** Who reads less than this between two looks reads slowly. */
const SLOW_BYTES = 65_536;
/** How often it is looked who reads slowly, in milliseconds. */
const LOOK_INTERVAL_MS = 1000;

interface Connection {
  /** Whether a request is being answered. */
  isBusy: boolean;
  waiting: { request: IncomingMessage; response: ServerResponse }[];
  /** Bytes that waited for the client when it was last looked, and how many had been handed to the network by then. */
  unread: number;
  sent: number;
}

/**
 * Keeps one client from filling the memory through its connections. Of requests that come together on one, each is begun
 * when the one before it was sent; who does not read what was sent is cut off.
 * @param maxConnections of all clients, and half of them from one address; who comes beyond is turned away
 */
export function guardConnections(
  server: Server,
  { maxConnections, maxUnreadBytes = MAX_UNREAD_BYTES }: { maxConnections: number; maxUnreadBytes?: number },
): void {
  const connections = new Map<Socket, Connection>();
  const byAddress = new Map<string, number>();
  server.maxConnections = maxConnections;
  server.timeout = MAX_STALL_MS;
  oneAtATime(server, connections);

  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress);
    const count = byAddress.get(address) ?? 0;
    if (count >= maxConnections / 2) {
      end(socket, 'address');
      return;
    }
    byAddress.set(address, count + 1);
    connections.set(socket, { isBusy: false, waiting: [], unread: 0, sent: 0 });
    socket.once('close', () => {
      connections.delete(socket);
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });
  server.on('drop', () => {
    metrics.connectionsEnded.inc({ why: 'total' });
  });
  // Nothing was sent or read for as long as the connection's timeout. While a request waits for its answer it may be quiet.
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) end(socket, 'unread');
    else if (!connections.get(socket)?.isBusy) socket.destroy();
  });
  const looking = setInterval(() => cutUnread(connections, maxUnreadBytes), LOOK_INTERVAL_MS).unref();
  server.once('close', () => clearInterval(looking));
}

function end(socket: Socket, why: 'address' | 'pipelined' | 'unread'): void {
  metrics.connectionsEnded.inc({ why });
  socket.destroy();
}

/** What counts as one address: who has one of IPv6 has all of its /64. */
export function networkOf(address = ''): string {
  const isV6 = address.includes(':') && !address.startsWith('::ffff:');
  if (!isV6) return address.replace('::ffff:', '');
  const [head = ''] = address.split('::', 1);
  const groups = head.split(':').filter((group) => group !== '');
  return Array.from({ length: 4 }, (_, index) => groups[index] ?? '0').join(':');
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
    else end(request.socket, 'pipelined');
  });
}

/** Bytes that the system's network has taken: also of one large piece the part that is gone, as Node itself asks for timeouts. */
function sentOn(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { bytesWritten: number; writeQueueSize: number } | null };
  return handle ? handle.bytesWritten - handle.writeQueueSize : socket.bytesWritten;
}

/** Cuts off as many as there must be: first those who have read little since the last look. */
function cutUnread(connections: Map<Socket, Connection>, maxUnreadBytes: number): void {
  let total = 0;
  const slow: Socket[] = [];
  const others: Socket[] = [];
  for (const [socket, connection] of connections) {
    const unread = socket.writableLength;
    const sent = sentOn(socket);
    if (unread > 0) {
      const isSlow = connection.unread > 0 && sent - connection.sent < SLOW_BYTES;
      (isSlow ? slow : others).push(socket);
    }
    Object.assign(connection, { unread, sent });
    total += unread;
  }
  for (const [sockets, most] of [
    [slow, maxUnreadBytes],
    [others, 1.5 * maxUnreadBytes],
  ] as const) {
    sockets.sort((a, b) => b.writableLength - a.writableLength);
    for (const socket of sockets) {
      if (total <= most) break;
      total -= socket.writableLength;
      end(socket, 'unread');
    }
  }
}
