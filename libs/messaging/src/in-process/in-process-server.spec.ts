import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { until } from '@hitl/testing';
import { firstValueFrom } from 'rxjs';
import { InferenceRequested } from '../messages/events';
import { InProcessBroker } from './in-process-broker';
import { InProcessClient } from './in-process-client';
import { InProcessServer } from './in-process-server';

Logger.overrideLogger(false);

describe('a full queue inside the process', () => {
  const broker = new InProcessBroker();
  const client = new InProcessClient(broker);
  const server = new InProcessServer(broker, { queue: 'inference', concurrency: 1, graceMs: 100 });
  afterEach(() => server.close());

  const emit = (jobId: string): Promise<void> =>
    firstValueFrom(client.emit<void>(InferenceRequested.pattern, { jobId }), { defaultValue: undefined });

  it('refuses newcomers, and takes back what must be handled again', async () => {
    const first = randomUUID();
    const handled: string[] = [];
    server.addHandler(
      InferenceRequested.pattern,
      ({ jobId }: InferenceRequested) => {
        handled.push(jobId);
        const away = Object.assign(new Error('starting up'), { code: '57P03' });
        return handled.length === 1 ? Promise.reject(away) : Promise.resolve();
      },
      true,
    );
    server.listen(() => undefined);
    await emit(first);
    await until('the first is in hand', () => handled.length === 1);
    const others = await Promise.allSettled(Array.from({ length: 10_001 }, () => emit(randomUUID())));
    const refused = others.filter((result) => result.status === 'rejected');
    expect(refused).toEqual([{ status: 'rejected', reason: new Error('hitl.inference is full') }]);
    await until('it was handled again', () => handled.length > 1);
    expect(handled[1]).toBe(first);
    await until('all were handled', () => handled.length === 10_002);
  });
});
