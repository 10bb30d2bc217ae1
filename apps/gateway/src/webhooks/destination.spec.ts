import { promisify } from 'node:util';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isPublicAddress, requireWebhookUrl, type Resolver, publicOnly } from './destination';
import { post } from './post';

/** Addresses that a webhook must never reach, in their normal notation. */
const PRIVATE_ADDRESSES = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.100.100.200', // Alibaba's metadata
  '127.0.0.1',
  '127.255.255.254',
  '168.63.129.16', // Azure's wire server
  '169.254.0.1',
  '169.254.169.254', // AWS's, Google's and Azure's metadata
  '169.254.170.2', // ECS's credentials
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192', // Oracle's metadata
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1', // IPv4-compatible
  '::a9fe:a9fe',
  '::ffff:127.0.0.1', // IPv4-mapped
  '::ffff:169.254.169.254',
  '::ffff:0:127.0.0.1', // RFC 6145
  '64:ff9b::7f00:1', // NAT64
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::a00:1',
  '100::1',
  '2001::7f00:1', // Teredo
  '2001:2::1',
  '2001:10::1',
  '2001:db8::1',
  '2002:7f00:1::', // 6to4
  '2002:a9fe:a9fe::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254', // AWS's metadata
  'fe80::1',
  'fe80::1%lo',
  'fec0::1',
  'ff02::1',
  '4000::1',
];

/** Ways to write the address of this machine, or of another private one, into a URL; PORT is where somebody listens. */
const HOSTILE_URLS = [
  'http://127.0.0.1:PORT/',
  'http://2130706433:PORT/',
  'http://0x7f000001:PORT/',
  'http://0x7f.0.0.1:PORT/',
  'http://017700000001:PORT/',
  'http://0177.0.0.1:PORT/',
  'http://0177.0.0.01:PORT/',
  'http://127.1:PORT/',
  'http://127.0.1:PORT/',
  'http://127.0.0.1.:PORT/',
  'http://%31%32%37.0.0.1:PORT/',
  'http://①②⑦.⓪.⓪.①:PORT/',
  'http://127。0。0。1:PORT/',
  'http://127.0.\n0.1:PORT/',
  ' http://127.0.0.1:PORT/',
  'http:127.0.0.1:PORT/',
  'http:///127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT\\',
  'http://127.0.0.1:PORT\\@example.com/',
  'HTTP://127.0.0.1:PORT/',
  'http://0:PORT/',
  'http://0.0.0.0:PORT/',
  'http://localhost:PORT/',
  'http://LOCALHOST.:PORT/',
  'http://anything.localhost:PORT/',
  'http://[::1]:PORT/',
  'http://[0:0:0:0:0:0:0:1]:PORT/',
  'http://[::]:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://[::ffff:7f00:1]:PORT/',
  'http://[::127.0.0.1]:PORT/',
  'http://[64:ff9b::127.0.0.1]:PORT/',
  'http://[2002:7f00:1::]:PORT/',
  'https://127.0.0.1:PORT/',
  'https://[::1]:PORT/',
  'http://169.254.169.254/latest/meta-data/',
  'http://2852039166/latest/meta-data/',
  'http://[fd00:ec2::254]/latest/meta-data/',
  'http://168.63.129.16/machine',
];

const CREDENTIALS = [
  'http://example.com@127.0.0.1/',
  'http://example.com:80@127.0.0.1/',
  'https://user:password@example.com/',
  'https://user@example.com/',
  'https://:password@example.com/',
];

const NO_URLS = [
  '',
  'example.com/hooks',
  '//example.com/hooks',
  'http://',
  'http://[fe80::1%25lo]/',
  'http://256.256.256.256/',
  'http://exa mple.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_',
  'javascript:alert(1)',
  'unix:/var/run/docker.sock',
  'https://example.com/#fragment',
  'https://example.com/#',
  `https://example.com/${'a'.repeat(2048)}`,
];

describe('requireWebhookUrl', () => {
  const read = (url: string, allowPrivate = false) => requireWebhookUrl(url, '/url', allowPrivate);

  it.each([...HOSTILE_URLS.map((url) => url.replace('PORT', '8080')), ...CREDENTIALS, ...NO_URLS])(
    'refuses %j',
    (url) => {
      expect(() => read(url)).toThrow(
        expect.objectContaining({
          code: 'invalid_request',
          faults: [{ pointer: '/url', detail: expect.any(String) }],
        }),
      );
    },
  );

  it.each([...CREDENTIALS, ...NO_URLS])('refuses %j even where private addresses are allowed', (url) => {
    expect(() => read(url, true)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it.each([
    ['https://example.com', 'https://example.com/'],
    ['http://example.com:8080/a?b=c', 'http://example.com:8080/a?b=c'],
    ['HTTPS://EXAMPLE.COM/A', 'https://example.com/A'],
    ['https://93.184.215.14/', 'https://93.184.215.14/'],
    ['https://[2606:4700:4700::1111]/', 'https://[2606:4700:4700::1111]/'],
    ['https://localhost.example.com/', 'https://localhost.example.com/'],
  ])('takes %s as %s', (url, href) => {
    expect(read(url)).toBe(href);
  });

  it('says how to allow private addresses, and then lets them pass', () => {
    expect(() => read('http://10.0.0.1/')).toThrow('WEBHOOK_ALLOW_PRIVATE=true');
    expect(read('http://0x7f.1/', true)).toBe('http://127.0.0.1/');
  });
});

describe('isPublicAddress', () => {
  it.each([...PRIVATE_ADDRESSES, 'no address', ''])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['1.1.1.1', '93.184.215.14', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450::1'])(
    'takes %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe('a call to a hostile destination', () => {
  const servers: Server[] = [];
  let port: number;
  let connections = 0;

  /** This machine listens on all its addresses, so that whatever slips through is seen. */
  beforeAll(async () => {
    const listen = async (host: string, onPort: number): Promise<number> => {
      const server = createServer((socket) => {
        connections += 1;
        socket.destroy();
      });
      servers.push(server);
      server.listen({ host, port: onPort, ipv6Only: host === '::' });
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    };
    port = await listen('0.0.0.0', 0);
    await listen('::', port);
  });

  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** Sends with names that lead where `resolve` says; answers the error. */
  const attempt = (url: string, resolve?: Resolver): Promise<Error> =>
    post(url, {}, '{}', { allowPrivate: false, timeout: 500, resolve }).then(
      () => new Error('it was answered'),
      (error: unknown) => error as Error,
    );

  const leadsTo =
    (...addresses: string[]): Resolver =>
    (_hostname, _options, callback) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };

  it('is seen by the listening server when it is let through', async () => {
    for (const host of ['127.0.0.1', '[::1]']) {
      const before = connections;
      await expect(post(`http://${host}:${port}/`, {}, '{}', { allowPrivate: true })).rejects.toThrow();
      expect(connections).toBe(before + 1);
    }
    connections = 0;
  });

  it.each(HOSTILE_URLS)('never connects to %j', async (url) => {
    const error = await attempt(url.replace('PORT', String(port)));
    expect(error.name).toBe('DestinationError');
    expect(connections).toBe(0);
  });

  it.each(PRIVATE_ADDRESSES)('never connects to a name that leads to %s', async (address) => {
    const error = await attempt(`http://metadata.example:${port}/`, leadsTo(address));
    expect(error.name).toBe('DestinationError');
    expect(error.message).not.toContain(address);
    expect(connections).toBe(0);
  });

  it.each([
    ['93.184.215.14', '127.0.0.1'],
    ['127.0.0.1', '93.184.215.14'],
    ['2606:4700:4700::1111', '::1'],
  ])('never connects to a name with the addresses %s and %s', async (...addresses) => {
    expect((await attempt(`http://mixed.example:${port}/`, leadsTo(...addresses))).name).toBe(
      'DestinationError',
    );
    expect((await attempt(`https://mixed.example:${port}/`, leadsTo(...addresses))).name).toBe(
      'DestinationError',
    );
    expect(connections).toBe(0);
  });

  it('never connects to a name without any address', async () => {
    expect((await attempt(`http://empty.example:${port}/`, leadsTo())).name).toBe('DestinationError');
  });

  it('never connects to a name that the system itself resolves to this machine', async () => {
    // Not 'localhost': a bare machine has no /etc/hosts.
    const system: Resolver = (_hostname, options, callback) => lookup('127.0.0.1', options, callback);
    expect((await attempt(`http://innocent.example:${port}/`, system)).name).toBe('DestinationError');
    expect(connections).toBe(0);
  });

  it('connects to the very addresses that were checked, so that a name cannot turn private in between', async () => {
    let lookups = 0;
    const rebinding: Resolver = (hostname, options, callback) => {
      lookups += 1;
      leadsTo(lookups === 1 ? '93.184.215.14' : '127.0.0.1')(hostname, options, callback);
    };
    // What a socket gets: no test connects to a public address.
    const lookUp = promisify(publicOnly(rebinding));
    expect(await lookUp('rebinding.example', { all: true })).toEqual([
      { address: '93.184.215.14', family: 4 },
    ]);
    expect(lookups).toBe(1);
    expect((await attempt(`http://rebinding.example:${port}/`, rebinding)).name).toBe('DestinationError');
    expect(lookups).toBe(2);
    expect(connections).toBe(0);
  });
});
