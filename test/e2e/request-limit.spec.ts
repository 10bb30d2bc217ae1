import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, WAYS, type Answer, type Stack } from '@hitl/testing';

const ADMIN = `hitl_${'a'.repeat(16)}_${'0'.repeat(64)}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const MAX_REQUESTS = 5;

describe.each(WAYS)('a key that was used too often: $name', ({ way }) => {
  let stack: Stack;
  let submitter: string;
  let reviewer: string;

  beforeAll(async () => {
    stack = await startStack(way, {
      AUTH_MODE: 'keys',
      BOOTSTRAP_ADMIN_KEY: ADMIN,
      MAX_REQUESTS_PER_MINUTE: String(MAX_REQUESTS),
    });
    [submitter, reviewer] = [await create('submitter'), await create('reviewer')];
  });

  afterAll(() => stack.stop());

  async function create(role: string): Promise<string> {
    const { status, body } = await stack.http.post('/v1/keys', { owner: role, role }, bearer(ADMIN));
    expect(status).toBe(201);
    return body.key;
  }

  /** Sends a request until it is refused: a minute may end in between. */
  async function refusal(send: () => Promise<Answer>): Promise<Answer> {
    let answer = await send();
    await until('it is refused', async () => {
      if (answer.status !== 429) answer = await send();
      return answer.status === 429;
    });
    return answer;
  }

  it('is told when it can be used again, in the form of each door', async () => {
    const { body, headers } = await refusal(() => stack.http.get('/v1/jobs', bearer(submitter)));
    expect(body.code).toBe('rate_limit_exceeded');
    expect(headers.get('ratelimit-policy')).toBe(`"key";q=${MAX_REQUESTS};w=60`);
    expect(headers.get('ratelimit')).toBe(`"key";r=0;t=${headers.get('retry-after')}`);
    const openAi = await refusal(() => stack.http.get('/v1/models', bearer(submitter)));
    expect(openAi.body.error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' });
    expect(openAi.headers.get('x-should-retry')).toBe('true');
  });

  it('still reviews', async () => {
    await refusal(() => stack.http.get('/v1/reviews', bearer(reviewer)));
    for (let sent = 0; sent < MAX_REQUESTS; sent += 1) {
      const { status } = await stack.http.post('/v1/reviews/claim-next', {}, bearer(reviewer));
      expect(status).toBe(204);
    }
  });
});
