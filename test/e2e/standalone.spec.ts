import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  copyEmbeddedDatabase,
  createClient,
  startService,
  until,
  type Client,
  type ServiceProcess,
} from '@hitl/testing';

describe('one process, without any variable that begins with MODEL_', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hitl-e2e-'));
  let app: ServiceProcess;
  let http: Client;

  beforeAll(async () => {
    copyEmbeddedDatabase(dataDir);
    app = await startService('standalone', { DATA_DIR: dataDir });
    http = createClient(app.url);
  });

  afterAll(async () => {
    await app.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  describe('serves the console, which', () => {
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
      const { status, headers, text } = await http.get(path);
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
      expect((await http.get(path)).headers.get('content-security-policy')).not.toContain(nonce);
    });

    it('has all that its page needs, under names that change with their content', async () => {
      const { text } = await http.get('/');
      const needed = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
        ([, path]) => new URL(path!, app.url).pathname,
      );
      expect(needed.length).toBeGreaterThanOrEqual(3);
      for (const path of needed) {
        const { status, headers } = await http.get(path, { 'accept-encoding': 'gzip' });
        expect([path, status]).toEqual([path, 200]);
        expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
        expect(headers.get('content-encoding')).toBe('gzip');
      }
    });

    it("leaves the API's addresses to the API, and answers problems elsewhere", async () => {
      expect((await http.get('/jobs')).body).toEqual([]);
      for (const path of ['/queue/x', '/assets/x.js', '/assets/../index.html', '/v1', '/index.html']) {
        const { status, body } = await http.get(path);
        expect([path, status, body?.code]).toEqual([path, 404, 'not_found']);
      }
    });
  });

  describe('has a demo model, which', () => {
    /** The answer to a payload, as a reviewer sees it. */
    async function answerTo(payload: unknown): Promise<any> {
      const { id } = (await http.post('/v1/jobs', { payload })).body;
      return until('an answer', async () => {
        const { data } = (await http.get('/v1/reviews?limit=200')).body;
        return data.find((job: { id: string }) => job.id === id)?.response;
      });
    }

    it('answers a chat in the shape of a chat completion, and says that it is no LLM', async () => {
      const content = 'Gophers dig tunnels. Tunnels shelter gophers from hawks.';
      const answer = await answerTo({ messages: [{ role: 'user', content }] });
      expect(answer).toMatchObject({
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant' }, finish_reason: 'stop' }],
        usage: { total_tokens: expect.any(Number) },
      });
      expect(answer.choices[0].message.content).toMatch(/^\[demo model, not an LLM\]/);
      expect(answer.choices[0].message.content).toContain('Tunnels shelter gophers');
    });

    it('says at boot that it is no LLM', () => {
      expect(app.logs.join('\n')).toMatch(/"level":"warn".*demo model, not an LLM/);
      // And to the person at the terminal.
      expect(app.logs.join('\n')).toMatch(/^Jobs are kept in .*\nModel: a demo model, not an LLM/m);
    });

    it.each([{ input: 'What is 2 + 2?' }, 'Just a text.', 4711, [], null])(
      'gives the payload %j the same answer twice',
      async (payload) => {
        const first = await answerTo(payload);
        expect(JSON.stringify(first)).toContain('not an LLM');
        expect(await answerTo(payload)).toEqual(first);
      },
    );
  });
});
