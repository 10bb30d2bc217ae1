import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { selfSigned } from '@hitl/testing';
import { post } from './post';

describe('post', () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    delete process.env.HTTP_PROXY;
    delete process.env.http_proxy;
  });

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  const receiver = async (listener: RequestListener): Promise<string> =>
    `http://127.0.0.1:${await listen(createServer(listener))}/hook?a=b`;
  const send = (url: string, timeout?: number) =>
    post(url, { 'webhook-id': '1' }, '{"a":"ü"}', { allowPrivate: true, timeout });

  it('posts JSON and answers the status', async () => {
    let seen: unknown;
    const url = await receiver((request, response) => {
      void request.toArray().then((chunks: Buffer[]) => {
        const { method, url, headers } = request;
        seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
        response.writeHead(503, { 'retry-after': '7' }).end();
      });
    });
    expect(await send(url)).toEqual({ statusCode: 503, retryAfter: '7' });
    expect(seen).toMatchObject({
      method: 'POST',
      url: '/hook?a=b',
      headers: { 'webhook-id': '1', 'content-type': 'application/json', 'content-length': '10' },
      body: '{"a":"ü"}',
    });
  });

  it('follows no redirect', async () => {
    let calls = 0;
    const url = await receiver((_request, response) => {
      calls += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await send(url)).toMatchObject({ statusCode: 307 });
    expect(calls).toBe(1);
  });

  it('gives up on a receiver that does not answer in time', async () => {
    await expect(send(await receiver(() => undefined), 100)).rejects.toThrow('no reply within 0.1 s');
  });

  it('gives up on a receiver that upgrades instead of answering', async () => {
    const server = createServer();
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    });
    await expect(send(`http://127.0.0.1:${await listen(server)}/`, 200)).rejects.toThrow();
  });

  it('takes the status when the body never ends', async () => {
    const url = await receiver((_request, response) => {
      response.writeHead(200).write('and');
    });
    const started = Date.now();
    expect(await send(url, 300)).toMatchObject({ statusCode: 200 });
    expect(Date.now() - started).toBeLessThan(2000);
  });

  it('cuts off a body that is long', async () => {
    let written = 0;
    const url = await receiver((_request, response) => {
      response.on('error', () => undefined);
      const more = (): void => {
        if (response.destroyed) return;
        written += 65_536;
        response.write(Buffer.alloc(65_536));
        setImmediate(more);
      };
      response.writeHead(200);
      more();
    });
    const started = Date.now();
    expect(await send(url)).toMatchObject({ statusCode: 200 });
    expect(Date.now() - started).toBeLessThan(2000);
    expect(written).toBeLessThan(64_000_000);
  });

  it('refuses what is no HTTP', async () => {
    const server = createServer();
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.end('220 mail.example ESMTP\r\n');
    });
    await expect(send(`http://127.0.0.1:${await listen(server)}/`)).rejects.toThrow();
  });

  it('sends nothing to a receiver whose certificate nobody vouches for, whatever the environment says', async () => {
    let calls = 0;
    const server = createTlsServer(selfSigned(), (_request, response) => {
      calls += 1;
      response.end();
    });
    const url = `https://127.0.0.1:${await listen(server)}/`;
    await expect(send(url)).rejects.toThrow('self-signed certificate');
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    await expect(send(url)).rejects.toThrow('self-signed certificate');
    expect(calls).toBe(0);
  });

  it('passes by the proxies of the environment', async () => {
    let proxied = 0;
    const proxy = await receiver((_request, response) => {
      proxied += 1;
      response.writeHead(502).end();
    });
    process.env.HTTP_PROXY = process.env.http_proxy = proxy;
    expect(await send(await receiver((_request, response) => response.end()))).toMatchObject({
      statusCode: 200,
    });
    expect(proxied).toBe(0);
  });
});
