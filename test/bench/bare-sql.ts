import { randomUUID } from 'node:crypto';
import { claim, complete, decide, JsonText, submit } from '@hitl/domain';
import { v7 as uuidv7 } from 'uuid';
import type { DataSource } from 'typeorm';

/** The statements of one lifecycle, one after the other, with nothing around them. */
export async function bareLifecycle(database: DataSource): Promise<void> {
  const jobId = uuidv7();
  const token = randomUUID();
  const payload = JsonText.of({ model: 'stub', messages: [{ role: 'user', content: 'What is 2 + 2?' }] });
  const response = JsonText.of({ choices: [{ message: { content: '4' } }] });
  const read = (): Promise<unknown> => database.query('SELECT * FROM jobs WHERE id = $1', [jobId]);
  const forget = (id: string): Promise<unknown> => database.query('DELETE FROM outbox WHERE id = $1', [id]);

  const [submitted] = await submit(database, [
    {
      id: jobId,
      payload,
      metadata: {},
      priority: 0,
      actor: 'bench',
      project: 'default',
      callbackUrl: null,
      responseSchema: null,
      idempotency: null,
    },
  ]);
  await forget(submitted?.bell.id ?? '0');
  await claim(database, [{ jobId, token, leaseMs: 30_000, maxAttempts: 5 }]);
  const [bell] = await complete(database, [{ jobId, token, response, provider: 'stub', usage: null }]);
  await forget(bell?.id ?? '0');
  await read();
  await decide(database, [
    {
      id: uuidv7(),
      jobId,
      project: 'default',
      verdict: 'approve',
      actor: 'bench',
      revision: null,
      response: null,
      payload: null,
      feedback: null,
      reason: null,
      reasonCode: null,
      submitterMessage: null,
      requestHash: '00',
      change: null,
      desk: { groups: [], requirePlan: false, fourEyes: false, maxRegenerations: 10 },
      policy: null,
    },
  ]);
  await read();
}
