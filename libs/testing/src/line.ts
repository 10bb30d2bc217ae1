import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to the server of `url` which can be cut, which can fall silent, and which can change what it carries. */
export interface Line {
  url: string;
  /** Ends all connections. */
  cut(): void;
  /** Swallows from now on what the present connections carry, both ways, and ends none. New ones are not touched. */
  silence(): void;
  /** {@link silence}, and new ones are taken and never answered, as by a server whose process is stopped. */
  freeze(): void;
  /** Ends a {@link freeze}, and the connections that lost something by it. */
  thaw(): void;
  /** Ends all connections, and refuses new ones. */
  close(): void;
}

/**
 * Puts a {@link Line} in front of a server.
 * @param rewrite changes what clients send, of the same length; a chunk as it comes
 */
export async function createLine(
  url: string,
  rewrite: (chunk: string) => string = (chunk) => chunk,
): Promise<Line> {
  const target = new URL(url);
  const pairs = new Set<[Socket, Socket]>();
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    if (frozen) {
      near.resume();
    } else {
      near.on('data', (chunk) => far.write(Buffer.from(rewrite(chunk.toString('latin1')), 'latin1')));
      far.pipe(near);
    }
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line = new URL(url);
  line.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = (): void => {
    for (const [near] of pairs) near.destroy();
  };
  const silence = (): void => {
    for (const [near, far] of pairs) {
      near.removeAllListeners('data').resume();
      far.unpipe(near).resume();
    }
  };
  return {
    url: line.href,
    cut,
    silence,
    freeze() {
      frozen = true;
      silence();
    },
    thaw() {
      frozen = false;
      cut();
    },
    close() {
      cut();
      server.close();
    },
  };
}
