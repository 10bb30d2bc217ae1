import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { JsonText } from '../json';
import { submit } from './submit';

/**
 * Submits a job and rolls it back: the very statement of a submission, over the same pool, so that whatever keeps
 * submissions from working keeps this from working, too.
 */
export async function probeSubmit(database: DataSource): Promise<void> {
  const runner = database.createQueryRunner();
  try {
    await runner.startTransaction();
    try {
      await submit(runner.manager, [
        {
          id: uuidv7(),
          project: 'probe',
          payload: new JsonText('null'),
          metadata: {},
          priority: 0,
          actor: 'probe',
          callbackUrl: null,
          responseSchema: null,
          idempotency: null,
        },
      ]);
    } finally {
      await runner.rollbackTransaction();
    }
  } finally {
    await runner.release();
  }
}
