import { describe, expect, it } from '@jest/globals';
import { allowedHosts, readConfig } from '@hitl/config';
import type { FastifyRequest } from 'fastify';
import { refuseOtherHosts } from './hosts';

function hasReply(host: string | undefined, env: Record<string, string> = {}, url = '/v1/jobs'): boolean {
  try {
    refuseOtherHosts({ url, headers: { host } } as FastifyRequest, allowedHosts(readConfig(env)));
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'misdirected_request' });
    return false;
  }
}

describe('the host that a request is for', () => {
  it.each([
    'localhost',
    'LocalHost:3000',
    'localhost.:3000',
    'hitl.localhost:3000',
    '127.0.0.1:3000',
    '127.9.9.9',
    '[::1]:3000',
    '10.0.0.7:3000',
    undefined,
  ])('may be %s on loopback, which no stranger can point elsewhere', (host) => {
    expect(hasReply(host)).toBe(true);
  });

  it.each([
    'evil.example',
    'evil.example:3000',
    'x',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.nip.io',
    '127.0.0.1@evil.example',
    'evil.example/127.0.0.1',
    'a b',
    '%',
  ])('may not be %s on loopback', (host) => {
    expect(hasReply(host)).toBe(false);
  });

  it('may be the one of PUBLIC_URL, at any port, and those of ALLOWED_HOSTS', () => {
    const env = { PUBLIC_URL: 'https://Desk.example/hitl', ALLOWED_HOSTS: 'gateway, desk.internal' };
    for (const host of ['desk.example', 'DESK.example:443', 'gateway:3000', 'desk.internal']) {
      expect(hasReply(host, env)).toBe(true);
      expect(hasReply(host)).toBe(false);
    }
    expect(hasReply('evil.desk.example', env)).toBe(false);
  });

  it('may be any where the network is let in, unless ALLOWED_HOSTS says which', () => {
    expect(hasReply('gateway.hitl.svc', { HOST: '0.0.0.0' })).toBe(true);
    const env = { HOST: '0.0.0.0', ALLOWED_HOSTS: 'desk.example' };
    expect(hasReply('gateway.hitl.svc', env)).toBe(false);
    expect(hasReply('desk.example', env)).toBe(true);
  });

  it('does not matter to a probe', () => {
    for (const url of ['/health/live', '/health/ready?x', '/liveness']) {
      expect(hasReply('evil.example', {}, url)).toBe(true);
    }
  });
});
