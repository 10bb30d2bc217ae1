import { expect } from '@jest/globals';
import { ERRORS, type ErrorCode } from '@hitl/domain';
import { createClient, startStack, until, type Answer, type Stack } from '@hitl/testing';

/** Part of everything that is sent here, and never of a log line. */
export const MARKER = 'Zaphod-4a1e';

/** A stack whose database changes only by what the tests send, with a job in each state that stands still. */
export interface Target extends Stack {
  /** The ids of these jobs. */
  human: string;
  success: string;
  /**
   * Sends what must be refused, and checks all that this means: a 4xx with the body that its route promises, and
   * a database in which nothing has changed.
   */
  refuses(send: () => Promise<Answer>, expected: { status: number; code?: ErrorCode }): Promise<Answer>;
  /** That all processes live, and that none has logged anything of what was sent; then stops them. */
  survives(): Promise<void>;
}

export async function startTarget(): Promise<Target> {
  const stack = await startStack('services', { LOG_LEVEL: 'trace', MAX_BODY_BYTES: '1048576' });
  const { database } = stack;
  const settle = async (): Promise<string> => {
    const { id } = await stack.submit({ input: 'calm' });
    await stack.reaches(id, 'human');
    return id;
  };
  const human = await settle();
  const success = await settle();
  await stack.decide(success, { verdict: 'approve' });

  /** Until what earlier tests have sent stands still, too. */
  const standsStill = () =>
    until('no job and no message is under way', async () => {
      const rows = await database.query(
        "SELECT 1 FROM jobs WHERE status = 'bot' UNION ALL SELECT 1 FROM outbox",
      );
      return rows.length === 0;
    });
  const content = async (): Promise<unknown> => {
    const tables = await database.query<{ name: string }>(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    );
    expect(tables.length).toBeGreaterThanOrEqual(4);
    return Promise.all(
      tables.map(({ name }) => database.query(`SELECT to_jsonb(t) FROM "${name}" t ORDER BY t::text`)),
    );
  };

  return {
    ...stack,
    database,
    human,
    success,
    async refuses(send: () => Promise<Answer>, expected: { status: number; code?: ErrorCode }) {
      await standsStill();
      const before = await content();
      const answer = await send();
      expect({ status: answer.status, text: answer.text }).toEqual({
        status: expected.status,
        text: expect.any(String),
      });
      if (answer.headers.get('content-type')?.startsWith('application/problem+json')) {
        const { code } = answer.body as { code: ErrorCode };
        expect(answer.body).toMatchObject({
          type: `urn:hitl:problem:${code}`,
          ...ERRORS[code],
          detail: expect.stringMatching(/^\S.{5,1000}$/s),
          request_id: answer.headers.get('x-request-id'),
        });
        if (expected.code) expect(code).toBe(expected.code);
      } else {
        expect(answer.body).toEqual({ status: 'error', message: expect.stringMatching(/^\S.{5,1000}$/s) });
      }
      expect(await content()).toEqual(before);
      return answer;
    },
    async survives() {
      try {
        for (const { url, logs } of stack.processes) {
          expect((await createClient(url).get('/health/ready')).status).toBe(200);
          expect(logs.filter((line) => line.includes(MARKER))).toEqual([]);
          expect(logs.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
        }
      } finally {
        await stack.stop();
      }
    },
  };
}

/** The form that errors have on a route. */
export function expectForm(answer: Answer, route: string): void {
  const form = route.startsWith('/v1/') ? 'application/problem+json; charset=utf-8' : 'application/json';
  expect(answer.headers.get('content-type')).toContain(form);
}
