import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, type Answer, type Stack } from '@hitl/testing';
import { faultsBy, type Schema } from './openapi-schema';

type Content = Record<string, { schema: Schema }>;
interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  parameters?: { name: string; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, Answered & { $ref?: string }>;
}
interface Answered {
  content?: Content;
  headers?: object;
  links?: object;
}
interface Description {
  openapi: string;
  webhooks: object;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Answered> };
}

const committed = JSON.parse(readFileSync('openapi.json', 'utf8')) as Description;
const operations = Object.entries(committed.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);

const ADMIN_KEY = `hitl_${'a'.repeat(16)}_${'0'.repeat(64)}`;

const faultsOf = faultsBy(committed.components.schemas);

/** What an operation says of an answer with this status. */
function answerOf(responses: Operation['responses'], status: number | string): Answered | undefined {
  const answer = responses[status];
  return answer?.$ref === undefined
    ? answer
    : committed.components.responses[answer.$ref.replace('#/components/responses/', '')];
}

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

  it('is what the standalone process serves, too', async () => {
    const standalone = await startStack('standalone');
    try {
      expect((await standalone.http.get('/openapi.json')).body).toEqual(committed);
    } finally {
      await standalone.stop();
    }
  });

  it('lets the page at /docs run and load only what this server sends', async () => {
    for (const path of ['/docs', '/docs/swagger-ui.css']) {
      const { headers } = await stack.http.get(path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'; ");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
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

  it('is OpenAPI 3.1, with the webhooks that are sent', () => {
    expect(committed.openapi).toBe('3.1.0');
    expect(Object.keys(committed.webhooks)).toEqual(['job.succeeded', 'job.failed', 'ping']);
  });

  it('gives every operation its errors by status, in the form of its door, and none as a default', () => {
    for (const { operationId, path, tags, responses } of operations) {
      const ofDoor: Record<string, string> = { openai: 'OpenAiError', anthropic: 'AnthropicError' };
      const form = ofDoor[tags[0]!] ?? (path.startsWith('/v1/') ? 'Problem' : 'OriginalError');
      const type = form === 'Problem' ? 'application/problem+json' : 'application/json';
      const statuses = Object.keys(responses);
      expect([operationId, statuses]).toEqual([operationId, expect.arrayContaining(['400', '500', '503'])]);
      expect([operationId, statuses]).toEqual([operationId, expect.not.arrayContaining(['default'])]);
      for (const status of statuses.filter((each) => each >= '400')) {
        expect([operationId, status, answerOf(responses, status)?.content]).toEqual([
          operationId,
          status,
          { [type]: { schema: { $ref: `#/components/schemas/${form}` } } },
        ]);
      }
    }
  });

  it('leaves no way to read null out of a field that may be null, and no schema that nothing leads to', () => {
    const text = JSON.stringify(committed);
    expect(text).not.toContain('"nullable"');
    for (const name of Object.keys(committed.components.schemas)) {
      expect([name, text.includes(`"#/components/schemas/${name}"`)]).toEqual([name, true]);
    }
  });

  it('leads from the ETag of a review to the decision on it', () => {
    const { responses } = operations.find(({ operationId }) => operationId === 'getReview')!;
    expect(responses['200']!.headers).toHaveProperty('etag');
    expect(responses['200']!.links).toEqual({
      decide: {
        operationId: 'decideReview',
        parameters: { 'path.id': '$response.body#/id', 'header.If-Match': '$response.header.etag' },
      },
    });
  });

  it('has only texts in every list of values: generators make enumerations of them', () => {
    const lists: unknown[][] = [];
    JSON.stringify(committed, (key, value: unknown) => {
      if (key === 'enum' && Array.isArray(value)) lists.push(value);
      return value;
    });
    expect(lists.length).toBeGreaterThan(30);
    expect(lists.filter((list) => list.some((value) => typeof value !== 'string'))).toEqual([]);
  });

  it('says what a dry run takes for its number of answers, and that an input of the Responses API is not empty', () => {
    const { TryPolicy, ResponseRequest } = committed.components.schemas;
    expect(TryPolicy!.properties.last.type).toEqual(['integer', 'null']);
    const [text, items] = ResponseRequest!.properties.input.oneOf;
    expect([text.minLength, items.minItems]).toEqual([1, 1]);
  });

  it('says of each field of a body that has a default that it may be null, which stands for it, too', () => {
    const schemas = Object.values(committed.components.schemas);
    const fields = schemas.flatMap(
      ({ properties }) => Object.values((properties ?? {}) as object) as Schema[],
    );
    const defaulted = fields.filter(({ description }) => /Default: /.test(String(description)));
    expect(defaulted.length).toBeGreaterThan(3);
    expect(defaulted.filter(({ type }) => !(Array.isArray(type) && type.includes('null')))).toEqual([]);
  });

  it('says what a project is called like', () => {
    const { project } = committed.components.schemas.CreateKey!.properties;
    for (const [name, isOne] of Object.entries({
      shop: true,
      'a-1': true,
      '': false,
      'A b': false,
      '-a': false,
    })) {
      expect([name, new RegExp(String(project.pattern), 'u').test(name)]).toEqual([name, isOne]);
    }
  });

  it('says that requests take no field which they do not name, and gives none of their fields a default', () => {
    const { SubmitJob, ApproveDecision } = committed.components.schemas;
    expect([SubmitJob!.additionalProperties, ApproveDecision!.additionalProperties]).toEqual([false, false]);
    expect(JSON.stringify(SubmitJob)).not.toContain('"default"');
  });

  it('takes any JSON but null for an edited answer, as one value that generators do not wrap', () => {
    const { EditDecision, NonNullJson } = committed.components.schemas;
    for (const response of [{ a: 1 }, [], 'text', 7, false]) {
      expect(faultsOf({ verdict: 'edit', response }, EditDecision!)).toEqual([]);
    }
    expect(faultsOf({ verdict: 'edit', response: null }, EditDecision!)).not.toEqual([]);
    expect(NonNullJson).not.toHaveProperty('anyOf');
  });

  it('says that the names by which decisions are chosen are not empty', () => {
    const chosen = operations.flatMap(({ operationId, parameters = [] }) =>
      parameters
        .filter(
          ({ name }) =>
            /^(export|listDecisions|getStats)/.test(operationId) &&
            /^(model|rule|reviewer|group)$/.test(name),
        )
        .map(({ name, schema }) => [operationId, name, schema.minLength]),
    );
    expect(chosen).toHaveLength(15);
    for (const [operationId, name, minLength] of chosen)
      expect([operationId, name, minLength]).toEqual([operationId, name, 1]);
  });

  it('says how many jobs the list of the original interface may pass over', () => {
    const { parameters } = operations.find(({ operationId }) => operationId === 'jobsOldestFirst')!;
    expect(parameters!.find(({ name }) => name === 'offset')!.schema).toMatchObject({
      minimum: 0,
      maximum: 1_000_000,
    });
  });

  it('describes the event `reset` of both streams, which has no data', () => {
    for (const name of ['followJob', 'followAll']) {
      const { responses } = operations.find(({ operationId }) => operationId === name)!;
      const { schema } = responses['200']!.content!['text/event-stream']!;
      expect(faultsOf({}, schema)).toEqual([]);
      expect(faultsOf({ revision: 1 }, schema)).not.toEqual([]);
    }
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
        path
          .replace('{id}', encodeURIComponent(id ?? ''))
          .replace('{revision}', '1')
          .replace('{deliveryId}', deliveryId) + query;
      const answer =
        method === 'post' || method === 'put'
          ? await stack.http[method](url, body, headers)
          : await stack.http.send(method.toUpperCase(), url, { headers });
      const said = answerOf(responses, answer.status);
      expect([operationId, answer.status, said !== undefined]).toEqual([operationId, answer.status, true]);
      if (answer.status === 204) {
        seen.set(operationId, (seen.get(operationId) ?? new Set()).add(204));
        return answer;
      }
      const type = answer.headers.get('content-type')!.split(';')[0]!;
      const schema = said!.content![type]?.schema;
      expect([operationId, type, schema !== undefined]).toEqual([operationId, type, true]);
      const values =
        type === 'text/event-stream'
          ? [...answer.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!))
          : [type.startsWith('text/') ? answer.text : answer.body];
      for (const value of values) {
        expect([operationId, faultsOf(value, schema!)]).toEqual([operationId, []]);
      }
      if (answer.status < 300 && body !== undefined) {
        const sent = requestBody!.content['application/json']!.schema;
        expect([operationId, faultsOf(body, sent)]).toEqual([operationId, []]);
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
    await call('restoreRevision', again, undefined, '', '', { 'if-match': '"2"' });
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
    await call('createMessage', undefined, { model: 'm', messages: [] });
    // The model here speaks another protocol.
    expect((await call('createMessage', undefined, chat)).status).toBe(422);
    const { body: response } = await call('createResponse', undefined, {
      model: 'm',
      input: 'hi',
      background: true,
    });
    await call('getResponse', response.id);
    await call('cancelResponse', response.id);
    await call('getResponse', 'resp_nobody');
    const { body: models } = await call('listModels');
    await call('getModel', models.data[0].id);
    await call('getModel', 'no/model');
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
    await call('exportAudit', undefined, undefined, '?date=2026-01-31');
    await call('exportAudit', undefined, undefined, '?date=2026-02-30');
    const because = { reason: 'asked for' };
    await call('eraseJob', approved, because);
    await call('eraseJob', approved, {});
    await call('eraseJob', again, because);
    await call('addNote', approved, { text: 'too late' });
    await call('restoreRevision', approved, undefined, '', '', { 'if-match': '"1"' });
    for (const read of ['getJob', 'getReview', 'getReviewHistory']) await call(read, approved);
    await call('getResponse', `resp_${approved}`);
    await call('getStats');
    await call('getStats', undefined, undefined, '?from=now');
    await call('listDecisions');
    await call('listDecisions', undefined, undefined, '?verdict=maybe');

    expect((await call('listKeys')).status).toBe(409);
    await stack.restart('gateway', { AUTH_MODE: 'keys', BOOTSTRAP_ADMIN_KEY: ADMIN_KEY });
    const admin = { authorization: `Bearer ${ADMIN_KEY}` };
    const manage = (operation: string, id?: string, body?: object) =>
      call(operation, id, body, '', '', admin);
    const { body: key } = await manage('createKey', undefined, {
      owner: 'ann',
      role: 'lead',
      scopes: ['jobs:read'],
    });
    await call('createKey');
    await manage('listKeys');
    await manage('rotateKey', key.id, {});
    await manage('revokeKey', key.id);
    await manage('revokeKey', 'nobody');
    await call('getReviewer', undefined, undefined, '', '', { authorization: `Bearer ${key.key}` });

    // The stream of all events has no end that could be compared.
    const all = operations.map(({ operationId }) => operationId).filter((id) => id !== 'followAll');
    expect([...seen.keys()].sort()).toEqual(all.sort());
  });
});
