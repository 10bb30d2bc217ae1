import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@hitl/testing';
import { guardConnections, networkOf } from './connections';

const MIB = 1_048_576;
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server on a free port, guarded. */
async function start(
  handler: RequestListener,
  options: { maxConnections?: number; maxUnreadBytes?: number } = {},
) {
  const server = createServer(handler);
  guardConnections(server, { maxConnections: 100, ...options });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = (localAddress = '127.0.0.1') => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    ends.push(() => socket.destroy());
    return socket;
  };
  return { server, open };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

describe('requests that come together on one connection', () => {
  it('are begun one after the other, and answered in order', async () => {
    let running = 0;
    let most = 0;
    const { open } = await start((request, response) => {
      running += 1;
      most = Math.max(most, running);
      setImmediate(() => {
        running -= 1;
        response.end(request.url);
      });
    });
    const socket = open();
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    socket.write(Array.from({ length: 20 }, (_, n) => get(`/${n}`)).join(''));
    await until('all are answered', () => text.includes('/19'));
    expect(most).toBe(1);
    expect([...text.matchAll(/\r\n\r\n\/(\d+)/g)].map(([, n]) => Number(n))).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    );
  });

  it('are not begun while their client does not read', async () => {
    let begun = 0;
    const { open } = await start((_request, response) => {
      begun += 1;
      response.end(Buffer.alloc(8 * MIB));
    });
    const socket = open();
    socket.pause();
    socket.write(get('/').repeat(50));
    const other = open();
    other.pause();
    other.write(get('/'));
    await until('the other one has begun', () => begun === 2);
    socket.resume();
    await until('the rest has begun', () => begun > 2);
  });

  it('end their connection when there are too many', async () => {
    const { open } = await start(() => undefined);
    const socket = open();
    const closed = once(socket, 'close');
    socket.write(get('/').repeat(1000));
    await closed;
  });
});

describe('clients that read nothing', () => {
  it('are cut off when too much waits for them, but not those who read', async () => {
    const { server, open } = await start((_request, response) => void response.end(Buffer.alloc(32 * MIB)), {
      maxUnreadBytes: 40 * MIB,
    });
    let read = 0;
    const connections = () =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    const unread = [open(), open(), open()];
    for (const socket of unread) {
      socket.pause();
      socket.write(get('/'));
    }
    await until('one of three is left', async () => (await connections()) === 1);
    const reader = open();
    reader.on('data', (bytes: Buffer) => (read += bytes.length));
    reader.write(get('/'));
    await until('the reader has all of it', () => read > 32 * MIB);
  });

  it('are cut off also when they read a little', async () => {
    const { server, open } = await start((_request, response) => void response.end(Buffer.alloc(32 * MIB)), {
      maxUnreadBytes: 24 * MIB,
    });
    const socket = open();
    socket.pause();
    socket.write(get('/'));
    const sipping = setInterval(() => socket.read(1), 50);
    try {
      await until('nobody is left', async () => {
        const count = await new Promise((resolve) => server.getConnections((_error, n) => resolve(n)));
        return count === 0;
      });
    } finally {
      clearInterval(sipping);
    }
  });
});

describe('who comes beyond the most connections', () => {
  it.each([
    ['of all clients', 2, ['127.0.0.2', '127.0.0.3']],
    ['of one address', 4, ['127.0.0.1', '127.0.0.1']],
  ])('%s is turned away', async (_name, maxConnections, addresses) => {
    const { open } = await start((_request, response) => void response.end('x'), { maxConnections });
    const [first, second] = addresses.map(open);
    await Promise.all([once(first!, 'connect'), once(second!, 'connect')]);
    const third = open();
    await once(third, 'close');
    first!.write(get('/'));
    expect(String((await once(first!, 'data'))[0])).toContain('200 OK');
    // Another one may come when one has gone.
    second!.destroy();
    await until('there is room', async () => {
      const next = open();
      next.write(get('/'));
      return Promise.race([once(next, 'data').then(() => true), once(next, 'close').then(() => false)]);
    });
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
  ])('counts with those of its network: %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
