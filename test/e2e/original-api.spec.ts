import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, WAYS, type Stack } from '@hitl/testing';

/** Before the line: what stands in for curl where there is none. */
const WITHOUT_CURL = `curl() { '${process.execPath}' '${join(import.meta.dirname, 'curl.mjs')}' "$@"; }; `;
const BEFORE = spawnSync('curl', ['--version']).status === 0 ? '' : WITHOUT_CURL;

/** Runs a shell line of the original's documentation as it stands, but for the port. */
async function curl(line: string, url: string): Promise<{ status: number; body: any }> {
  const command = line.replaceAll('http://localhost:3000', url.replace('127.0.0.1', 'localhost'));
  const { stdout } = await promisify(execFile)('sh', ['-c', `${BEFORE}${command} -sS -w '\n%{http_code}'`]);
  const [status, ...text] = stdout.split('\n').reverse();
  const body = text.reverse().join('\n');
  return {
    status: Number(status),
    body: body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : body,
  };
}

describe.each(WAYS)('the original API: $name', ({ way }) => {
  let stack: Stack;
  let url: string;

  beforeAll(async () => {
    stack = await startStack(way, { MODEL_PROVIDER: 'http' });
    ({ url } = stack);
  });

  afterAll(() => stack.stop());

  async function enqueue(): Promise<string> {
    const { body } = await curl(
      `curl -X POST http://localhost:3000/enqueue -d '{ "input": "What is 2 + 2?" }'`,
      url,
    );
    expect(body).toEqual({ status: 'success', job_id: expect.any(String) });
    return body.job_id;
  }

  const read = async (id: string) => (await curl(`curl http://localhost:3000/job?id=${id}`, url)).body;
  const inStatus = (id: string, status: string) =>
    until(`job ${id} in ${status}`, async () => {
      const job = await read(id);
      return job.status === status && job;
    });

  it('takes a job from enqueue over a human to success', async () => {
    const id = await enqueue();
    const waiting = await inStatus(id, 'human');
    expect(waiting).toEqual({
      job_id: id,
      status: 'human',
      payload: { input: 'What is 2 + 2?' },
      response: expect.objectContaining({ object: 'chat.completion' }),
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    });
    const { body } = await curl(
      `curl -X POST http://localhost:3000/reviewJob -d '{ "id": "${id}", "status": "success" }'`,
      url,
    );
    expect(body).toEqual({ status: 'success' });
    expect(await read(id)).toEqual({ ...waiting, status: 'success' });
  });

  it('answers 404 to a second review', async () => {
    const id = await enqueue();
    await inStatus(id, 'human');
    const line = `curl -X POST http://localhost:3000/reviewJob -d '{ "id": "${id}", "status": "success" }'`;
    expect((await curl(line, url)).status).toBe(200);
    expect((await curl(line, url)).status).toBe(404);
  });

  it('lists jobs oldest first, with the status in any letter case', async () => {
    const first = await enqueue();
    const second = await enqueue();
    await inStatus(first, 'human');
    await inStatus(second, 'human');
    const { body } = await curl(`curl 'http://localhost:3000/jobs?offset=0&limit=50&status=Human'`, url);
    const ids = body.map((job: { job_id: string }) => job.job_id);
    expect(ids.indexOf(first)).toBeLessThan(ids.indexOf(second));
    expect(body.every((job: { status: string }) => job.status === 'human')).toBe(true);
  });

  it('lists jobs as the unquoted line reaches it, which the shell cuts at the first ampersand', async () => {
    const { status, body } = await curl('curl http://localhost:3000/jobs?offset=0', url);
    expect(status).toBe(200);
    expect(body.length).toBeGreaterThan(0);
  });

  it('lists nothing for the limit 0, and takes larger limits than the largest for that', async () => {
    const list = async (query: string) =>
      (await curl(`curl 'http://localhost:3000/jobs?${query}'`, url)).body;
    expect(await list('limit=0')).toEqual([]);
    expect(await list('limit=1')).toHaveLength(1);
    const all = await list('limit=1000');
    expect(all.length).toBeGreaterThan(1);
    expect(await list('limit=18446744073709551615')).toEqual(all);
    expect(await list('limit=1000&offset=1000000')).toEqual([]);
    expect(await list('limit=1000&offset=1')).toEqual(all.slice(1));
  });

  it('delivers the response as the human edited it', async () => {
    const id = await enqueue();
    await inStatus(id, 'human');
    await curl(
      `curl -X POST http://localhost:3000/reviewJob -d '{ "id": "${id}", "status": "success", "response": {"answer": 4} }'`,
      url,
    );
    expect(await read(id)).toMatchObject({ status: 'success', response: { answer: 4 } });
  });

  it('keeps edits of a job that stays in human', async () => {
    const id = await enqueue();
    await inStatus(id, 'human');
    await curl(
      `curl -X POST http://localhost:3000/reviewJob -d '{ "id": "${id}", "status": "Human", "response": "draft", "payload": {"input": "3 + 3?"} }'`,
      url,
    );
    expect(await read(id)).toMatchObject({
      status: 'human',
      response: 'draft',
      payload: { input: '3 + 3?' },
    });
  });

  it('generates a new answer from an edited payload', async () => {
    const id = await enqueue();
    await inStatus(id, 'human');
    await curl(
      `curl -X POST http://localhost:3000/reviewJob -d '{ "id": "${id}", "status": "bot", "payload": {"input": "5 + 5?"} }'`,
      url,
    );
    const again = await inStatus(id, 'human');
    expect(again.payload).toEqual({ input: '5 + 5?' });
    expect(JSON.stringify(again.response)).toContain('5 + 5?');
  });

  it('fails a job that the human rejects', async () => {
    const id = await enqueue();
    await inStatus(id, 'human');
    await curl(`curl -X POST http://localhost:3000/reviewJob -d '{ "id": "${id}", "status": "fail" }'`, url);
    expect(await read(id)).toMatchObject({ status: 'fail' });
  });

  it('answers 404 to an id that no job has, whatever its shape', async () => {
    expect((await curl('curl http://localhost:3000/job?id=12345678', url)).status).toBe(404);
    const { status, body } = await curl(
      `curl -X POST http://localhost:3000/reviewJob -d '{ "id": "12345678", "status": "success" }'`,
      url,
    );
    expect(status).toBe(404);
    expect(body).toEqual({
      status: 'error',
      message: 'No job with the id "12345678" is waiting for a human.',
    });
  });

  it.each(['offset=-1', 'offset=x', 'limit=ten', 'limit=-5', 'status=done'])(
    'refuses the list parameter %s with 400',
    async (parameter) => {
      const { status, body } = await curl(`curl 'http://localhost:3000/jobs?${parameter}'`, url);
      expect(status).toBe(400);
      expect(body.message).toContain(parameter.split('=')[0]);
    },
  );

  it.each([
    ['127 levels', `${'[{"a":'.repeat(63)}[1]${'}]'.repeat(63)}`],
    [
      '`__proto__` as a key',
      '{"list":[{"__proto__":null}],"__proto__":{"polluted":true},"constructor":{"prototype":1}}',
    ],
    ['20 MB', JSON.stringify({ input: 'x'.repeat(20_000_000) })],
  ])('carries %s to the model as it was sent', async (_what, payload) => {
    const usual = stack.stub.answer;
    stack.stub.answer = () => ({ text: '{"__proto__":{"answer":4}}' });
    try {
      const { status, body } = await stack.http.post('/enqueue', payload);
      expect(status).toBe(200);
      // By their states alone: reading 20 MB again and again would take longer than the model.
      await until('it waits for a human', async () => {
        const { body: waiting } = await stack.http.get(`/v1/review-summaries?ids=${body.job_id}`);
        return waiting.data?.length === 1;
      });
      expect(JSON.stringify(stack.stub.requests.at(-1)!.body) === payload).toBe(true);
      const decision = `{"id":"${body.job_id}","status":"success"}`;
      expect((await stack.http.post('/reviewJob', decision)).status).toBe(200);
      const { text } = await stack.http.get(`/job?id=${body.job_id}`);
      expect(text).toContain('"response":{"__proto__":{"answer":4}}');
    } finally {
      stack.stub.answer = usual;
    }
  });

  it('is alive', async () => {
    expect(await curl('curl http://localhost:3000/liveness', url)).toEqual({ status: 200, body: 'ok' });
  });
});
