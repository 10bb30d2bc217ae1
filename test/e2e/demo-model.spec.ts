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

describe('the demo model, without any variable that begins with MODEL_', () => {
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
