import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@hitl/testing';

describe('the console', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('standalone');
  });

  afterAll(() => stack.stop());

  it.each([
    '/',
    '/queue?q=x',
    `/review/${crypto.randomUUID()}`,
    '/history/x',
    '/insight',
    '/decisions?final=true',
    '/policies',
    '/webhooks',
    '/keys',
    '/try',
  ])('is at %s, never kept by browsers and strict about what may run', async (path) => {
    const { status, headers, text } = await stack.http.get(path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!;
    expect(text).toContain(`<meta property="csp-nonce" nonce="${nonce}">`);
    expect((await stack.http.get(path)).headers.get('content-security-policy')).not.toContain(nonce);
  });

  it('has all that its page needs, under names that change with their content', async () => {
    const { text } = await stack.http.get('/');
    const needed = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, path]) => new URL(path!, stack.url).pathname,
    );
    expect(needed.length).toBeGreaterThanOrEqual(3);
    for (const path of needed) {
      const { status, headers } = await stack.http.get(path, { 'accept-encoding': 'gzip' });
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(headers.get('content-encoding')).toBe('gzip');
    }
  });

  it("leaves the API's addresses to the API, and answers problems elsewhere", async () => {
    expect((await stack.http.get('/jobs')).body).toEqual([]);
    for (const path of ['/queue/x', '/assets/x.js', '/assets/../index.html', '/v1', '/index.html']) {
      const { status, body } = await stack.http.get(path);
      expect([path, status, body?.code]).toEqual([path, 404, 'not_found']);
    }
  });
});
