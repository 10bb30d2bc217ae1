import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to the server of `url` which can be cut, and which can fall silent. */
export interface Line {
  url: string;
  /** Ends all connections. */
  cut(): void;
  /** Swallows from now on what the present connections carry, both ways, and ends none. New ones are not touched. */
  silence(): void;
  /** Ends all connections, and refuses new ones. */
  close(): void;
}

/** Puts a {@link Line} in front of a server. */
export async function createLine(url: string): Promise<Line> {
  const target = new URL(url);
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
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
  return {
    url: line.href,
    cut,
    silence() {
      for (const [near, far] of pairs) {
        near.unpipe(far).resume();
        far.unpipe(near).resume();
      }
    },
    close() {
      cut();
      server.close();
    },
  };
}
