import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, type Answer, type Stack } from '@hitl/testing';
import { faultsOf, type Schema } from './openapi-schema';

type Content = Record<string, { schema: Schema }>;
interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const committed = JSON.parse(readFileSync('openapi.json', 'utf8')) as Description;
const operations = Object.entries(committed.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);

describe('openapi.json', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('services', { WEBHOOK_ALLOW_PRIVATE: 'true' });
  });

  afterAll(() => stack.stop());

  it('is what the gateway serves', async () => {
    const { status, headers, body } = await stack.http.get('/openapi.json');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/json');
    expect(body).toEqual(committed);
  });

  it('can be browsed at /docs, with all that the page needs', async () => {
    const { status, headers, text } = await stack.http.get('/docs');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/html');
    const needed = [...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => path!);
    expect(needed.length).toBeGreaterThan(2);
    for (const path of needed) {
      const { pathname } = new URL(path, `${stack.url}/docs`);
      expect([pathname, (await stack.http.get(pathname)).status]).toEqual([pathname, 200]);
    }
  });

  it('gives every operation an id of its own that is a name, one tag and a summary', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, tags, summary } of operations) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(tags).toHaveLength(1);
      expect(summary).not.toBe('');
    }
  });

  it('gives every operation of /v1 its form of error as the default answer', () => {
    const v1 = operations.filter(({ path }) => path.startsWith('/v1/'));
    expect(v1.length).toBeGreaterThanOrEqual(6);
    for (const { operationId, tags, responses } of v1) {
      const [type, name] =
        tags[0] === 'openai' ? ['application/json', 'OpenAiError'] : ['application/problem+json', 'Problem'];
      expect([operationId, responses.default?.content]).toEqual([
        operationId,
        { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
      ]);
    }
  });

  it('describes no field as nullable that has no type, which says nothing', () => {
    const look = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      if ('nullable' in schema) expect(schema).toHaveProperty('type');
      Object.values(schema).forEach(look);
    };
    look(committed);
  });

  it('describes every answer of a session as it is', async () => {
    const seen = new Map<string, Set<number>>();
    /** Sends a request, and compares the body and the answer with the description of the operation. */
    const call = async (
      operationId: string,
      id?: string,
      body?: unknown,
      query = '',
      deliveryId = '',
      headers: Record<string, string> = {},
    ): Promise<Answer> => {
      const operation = operations.find((candidate) => candidate.operationId === operationId)!;
      const { path, method, responses, requestBody } = operation;
      const url =
        path.replace('{id}', encodeURIComponent(id ?? '')).replace('{deliveryId}', deliveryId) + query;
      const answer =
        method === 'post' || method === 'put'
          ? await stack.http[method](url, body, headers)
          : await stack.http.send(method.toUpperCase(), url, { headers });
      const { schemas } = committed.components;
      const said = responses[answer.status] ?? responses.default;
      expect([operationId, answer.status, said !== undefined]).toEqual([operationId, answer.status, true]);
      if (answer.status === 204) {
        seen.set(operationId, (seen.get(operationId) ?? new Set()).add(204));
        return answer;
      }
      const type = answer.headers.get('content-type')!.split(';')[0]!;
      const schema = said!.content![type]?.schema;
      expect([operationId, type, schema !== undefined]).toEqual([operationId, type, true]);
      const value = /^(text\/|application\/jsonl)/.test(type) ? answer.text : answer.body;
      expect([operationId, faultsOf(value, schema!, schemas)]).toEqual([operationId, []]);
      if (answer.status < 300 && body !== undefined) {
        const sent = requestBody!.content['application/json']!.schema;
        expect([operationId, faultsOf(body, sent, schemas)]).toEqual([operationId, []]);
      }
      seen.set(operationId, (seen.get(operationId) ?? new Set()).add(answer.status));
      return answer;
    };

    /** Decides on the first revision. */
    const decide = (id: string, decision: object) =>
      call('decideReview', id, decision, '', '', { 'if-match': '"1"' });

    const payloads = [{ messages: [{ role: 'user', content: 'hi' }] }, 'text', 7, true, [1], null];
    const ids: string[] = [];
    for (const payload of payloads) {
      const { body } = await call('submitJob', undefined, { payload, priority: 1, metadata: { a: 'b' } });
      ids.push(body.id);
      await stack.reaches(body.id, 'human');
    }
    const [approved, edited, rejected, again, cancelled, waiting] = ids as [string, ...string[]];
    await call('getReviewer');
    await call('listReviews', undefined, undefined, '?limit=2');
    await call('claimReview', approved);
    await call('getReview', approved);
    await call('releaseReview', approved);
    await call('claimReview', approved, undefined, '', '', { 'x-hitl-actor': 'alice' });
    await call('claimReview', approved);
    await call('releaseReview', approved, undefined, '', '', { 'x-hitl-actor': 'alice' });
    await call('viewReview', approved);
    await call('leaveReview', approved);
    const { body: claimed } = await call('claimNextReview');
    await call('releaseReview', claimed.id);
    await call('saveDraft', approved, { revision: 1, content: { begun: true } });
    await call('getDraft', approved);
    await call('deleteDraft', approved);
    await call('getDraft', approved);
    await call('addNote', approved, { text: 'look again' });
    await call('addNote', approved, {});
    await call('listReviewSummaries', undefined, undefined, '?limit=2&q=hi');
    await call('listReviewSummaries', undefined, undefined, '?priority=x');
    await call('decideReview', approved, { verdict: 'approve' });
    await decide(approved, { verdict: 'approve' });
    await decide(approved, { verdict: 'approve' });
    await call('undoDecision', approved);
    await decide(edited!, { verdict: 'edit', response: 'ours', reason: null });
    const decision = { revision: 1, verdict: 'reject', reason: 'no', reason_code: 'other' };
    await call('decideReviews', undefined, {
      decisions: [rejected, approved].map((job_id) => ({ ...decision, job_id })),
    });
    await decide(again!, { verdict: 'regenerate', payload: [2], feedback: 'more' });
    await stack.reaches(again!, 'human');
    await call('cancelJob', cancelled);
    await call('cancelJob', cancelled);
    for (const id of ids) {
      for (const read of [
        'getJob',
        'getHistory',
        'getReview',
        'getReviewHistory',
        'getReviewChain',
        'listJobDeliveries',
      ]) {
        await call(read, id);
      }
    }
    await call('getJob', 'nobody');
    await call('listJobs', undefined, undefined, '?limit=2');
    await call('listJobs');
    await call('listJobs', undefined, undefined, '?limit=0');
    await call('listReviews', undefined, undefined, '?cursor=x');
    await call('submitJob', undefined, { paylod: 1 });

    await call('enqueue', undefined, { input: 'What is 2 + 2?' });
    await call('job', undefined, undefined, `?id=${approved}`);
    await call('jobsOldestFirst');
    await call('reviewJob', undefined, { id: waiting, status: 'success', response: 'four' });
    await call('liveness');

    const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    const held = call('createChatCompletion', undefined, chat);
    const asked = await until('the chat to review', async () => {
      const { body } = await stack.http.get('/v1/reviews?limit=200');
      return body.data.find((job: any) => job.payload?.model === 'm');
    });
    await decide(asked.id, { verdict: 'approve' });
    await held;
    await call('createChatCompletion', undefined, { model: 'm', messages: [] });
    const { body: response } = await call('createResponse', undefined, {
      model: 'm',
      input: 'hi',
      background: true,
    });
    await call('getResponse', response.id);
    await call('cancelResponse', response.id);
    await call('getResponse', 'resp_nobody');
    await call('listModels');
    await call('followJob', approved);

    await call('readCurrentPolicy');
    const policy = 'version: 1\ngroups: { all: [ana] }\nrules: [{ name: one, when: foo, group: all }]';
    await call('dryRunPolicy', undefined, { policy, last: 3 });
    await call('dryRunPolicy', undefined, { policy: 'version: 2' });

    const { body: endpoint } = await call('createWebhookEndpoint', undefined, { url: 'http://127.0.0.1:9/' });
    await call('createWebhookEndpoint', undefined, { url: 'ftp://x' });
    await call('listWebhookEndpoints');
    await call('rotateWebhookSecret', endpoint.id);
    const { body: ping } = await call('pingWebhookEndpoint', endpoint.id);
    await until('the ping was tried', async () => {
      const { body } = await call('listWebhookDeliveries', endpoint.id);
      return body.data[0].attempts.length > 0;
    });
    await call('redeliverWebhook', endpoint.id, undefined, '', ping.id);
    await call('deleteWebhookEndpoint', endpoint.id);
    await call('deleteWebhookEndpoint', endpoint.id);

    await call('exportSft', undefined, undefined, '?verdict=edit');
    await call('exportPreferences');
    await call('exportPreferences', undefined, undefined, '?limit=none');
    await call('exportDecisions', undefined, undefined, '?limit=3');
    await call('getStats');
    await call('getStats', undefined, undefined, '?from=now');
    await call('listDecisions');
    await call('listDecisions', undefined, undefined, '?verdict=maybe');

    // The stream of all events has no end that could be compared.
    const all = operations.map(({ operationId }) => operationId).filter((id) => id !== 'followAll');
    expect([...seen.keys()].sort()).toEqual(all.sort());
  });
});
