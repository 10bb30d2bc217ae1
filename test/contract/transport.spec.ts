import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '@hitl/domain';
import { ask, DecideReview, EditReview, InferenceRequested, ReadPolicy } from '@hitl/messaging';
import { registry } from '@hitl/observability';
import { aDecision, SCOPE, until } from '@hitl/testing';
import { firstValueFrom, from } from 'rxjs';
import { gate, TRANSPORTS, type TestTransport } from './transport';

describe.each(TRANSPORTS)('messages over $name', ({ open }) => {
  let transport: TestTransport;
  beforeEach(async () => {
    transport = await open();
  });
  afterEach(() => transport.close());

  const emit = (jobId: string = randomUUID()): Promise<void> =>
    firstValueFrom(transport.client.emit<void>(InferenceRequested.pattern, { jobId }), {
      defaultValue: undefined,
    });
  const command = () => aDecision(randomUUID());
  const decide = <T>(request = command()): Promise<T> =>
    ask<T>(transport.client, DecideReview.pattern, request);
  /** An error that goes away: the database is restarting. */
  const away = () => Object.assign(new Error('the database system is starting up'), { code: '57P03' });
  const parked = async (): Promise<number> => {
    const metric = await registry.getSingleMetric('hitl_messages_parked_total')?.get();
    return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
  };

  describe('an event', () => {
    it('reaches its handler as an instance of its class, and emit resolves', async () => {
      const handled: object[] = [];
      await transport.consume('inference', { [InferenceRequested.pattern]: (data) => handled.push(data) });
      const jobId = randomUUID();
      await emit(jobId);
      await until('it was handled', () => handled.length === 1);
      expect(handled[0]).toBeInstanceOf(InferenceRequested);
      expect(handled).toEqual([{ jobId }]);
    });

    it('that comes while nobody consumes waits', async () => {
      const jobId = randomUUID();
      await emit(jobId);
      const handled: string[] = [];
      await transport.consume('inference', {
        [InferenceRequested.pattern]: (data) => handled.push(data.jobId),
      });
      await until('it was handled', () => handled.length === 1);
      expect(handled).toEqual([jobId]);
    });

    it('is handled once each, however many come', async () => {
      const handled: string[] = [];
      await transport.consume('inference', {
        [InferenceRequested.pattern]: (data) => handled.push(data.jobId),
      });
      const ids = Array.from({ length: 300 }, () => randomUUID());
      await Promise.all(ids.map(emit));
      await until('all were handled', () => handled.length >= ids.length);
      expect(handled.sort()).toEqual(ids.sort());
    });

    it('is in hand until the Observable that its handler answers has completed', async () => {
      const opened = gate();
      let completed = false;
      let begun = false;
      const server = await transport.consume('inference', {
        [InferenceRequested.pattern]: () => {
          begun = true;
          return from(opened.passed.then(() => (completed = true)));
        },
      });
      await emit();
      await until('it is in hand', () => begun);
      const closing = server.close();
      opened.open();
      await closing;
      expect(completed).toBe(true);
    });

    it('comes again when its handler met a database that is away', async () => {
      let tries = 0;
      await transport.consume('inference', {
        [InferenceRequested.pattern]: () => {
          tries += 1;
          if (tries === 1) throw away();
        },
      });
      const before = await parked();
      await emit();
      await until('it came again', () => tries === 2);
      expect(await parked()).toBe(before);
    });

    it('that can never be handled is set aside and counted, and its neighbours flow on', async () => {
      const [bad, ...good] = [randomUUID(), randomUUID(), randomUUID()];
      const handled: string[] = [];
      let tries = 0;
      await transport.consume(
        'inference',
        {
          [InferenceRequested.pattern]: ({ jobId }) => {
            if (jobId !== bad) return handled.push(jobId);
            tries += 1;
            throw new Error('a bug');
          },
        },
        { concurrency: 1 },
      );
      const before = await parked();
      for (const id of [bad, ...good]) await emit(id);
      await until('the neighbours were handled', () => handled.length === 2);
      expect(handled).toEqual(good);
      expect(tries).toBe(1);
      expect(await parked()).toBe(before + 1);
    });

    it('that is not what its pattern promises never reaches the handler', async () => {
      const handled: string[] = [];
      await transport.consume('inference', {
        [InferenceRequested.pattern]: ({ jobId }) => handled.push(jobId),
      });
      const before = await parked();
      await emit('not a uuid');
      const good = randomUUID();
      await emit(good);
      await until('the good one was handled and the other set aside', async () => {
        return handled.length > 0 && (await parked()) === before + 1;
      });
      expect(handled).toEqual([good]);
    });
  });

  it('handles as many at once as allowed, and no more', async () => {
    const opened = gate();
    let running = 0;
    let most = 0;
    let done = 0;
    await transport.consume(
      'inference',
      {
        [InferenceRequested.pattern]: async () => {
          running += 1;
          most = Math.max(most, running);
          await opened.passed;
          running -= 1;
          done += 1;
        },
      },
      { concurrency: 3 },
    );
    await Promise.all(Array.from({ length: 10 }, () => emit()));
    await until('three run', () => running === 3);
    opened.open();
    await until('all are done', () => done === 10);
    expect(most).toBe(3);
  });

  describe('a request', () => {
    it('gets its reply, each its own', async () => {
      await transport.consume('reviewCommands', {
        [DecideReview.pattern]: ({ jobId }) => Promise.resolve({ status: 'success', jobId }),
      });
      const requests = Array.from({ length: 20 }, command);
      const replies = await Promise.all(requests.map((request) => decide(request)));
      expect(replies).toEqual(requests.map(({ jobId }) => ({ status: 'success', jobId })));
    });

    it('carries its fields as they were', async () => {
      let received: unknown;
      await transport.consume('reviewCommands', {
        [DecideReview.pattern]: (data) => {
          received = data;
          return { status: 'success' };
        },
      });
      const request = { ...command(), response: '{"b":1.0,"a":"é🗝\\u0000"}', feedback: 'x' };
      await decide(request);
      expect(received).toBeInstanceOf(DecideReview);
      expect(received).toEqual(request);
    });

    it('that is refused gets the DomainError with its code and detail', async () => {
      await transport.consume('reviewCommands', {
        [DecideReview.pattern]: () => Promise.reject(new DomainError('already_decided', 'Ann was first.')),
      });
      const refusal = await decide().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(DomainError);
      expect(refusal).toMatchObject({ code: 'already_decided', message: 'Ann was first.' });
    });

    it('that meets a bug is answered without the inside of the error', async () => {
      await transport.consume('reviewCommands', {
        [DecideReview.pattern]: () => Promise.reject(new Error('SELECT secret FROM jobs')),
      });
      const failure = await decide().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'internal_error' });
      expect(JSON.stringify([failure, String(failure)])).not.toContain('secret');
    });

    it('that meets a database that is away is told so, as unavailable', async () => {
      await transport.consume('reviewCommands', { [DecideReview.pattern]: () => Promise.reject(away()) });
      await expect(decide()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/^The database does not respond\./),
      });
    });

    it('that is refused as unavailable for now is told why', async () => {
      const why = 'The job was changed at the same moment. Look at it, then try again.';
      await transport.consume('reviewCommands', {
        [DecideReview.pattern]: () => Promise.reject(new DomainError('unavailable', why)),
      });
      await expect(decide()).rejects.toMatchObject({ code: 'unavailable', message: why });
    });

    it('is asked again when the reply is lost, unless its work may be what takes so long, and ends as unavailable when nobody ever answers', async () => {
      const asked = { decide: [] as string[], edit: 0, read: 0 };
      await transport.consume(
        'reviewCommands',
        {
          [DecideReview.pattern]: ({ id }) => {
            asked.decide.push(id);
            return asked.decide.length === 1 ? new Promise(() => undefined) : { status: 'success' };
          },
          [EditReview.pattern]: () => {
            asked.edit += 1;
            return new Promise(() => undefined);
          },
          [ReadPolicy.pattern]: () => {
            asked.read += 1;
            return new Promise(() => undefined);
          },
        },
        { graceMs: 0 },
      );
      const change = {
        ...SCOPE,
        jobId: randomUUID(),
        actor: 'rob',
        revision: null,
        response: 'x',
        payload: null,
      };
      const request = command();
      const [lost, unanswered] = await Promise.allSettled([
        decide(request),
        ask(transport.client, EditReview.pattern, change),
        ask(transport.client, ReadPolicy.pattern, {}, 1),
      ]);
      expect(lost).toEqual({ status: 'fulfilled', value: { status: 'success' } });
      expect(asked).toEqual({ decide: [request.id, request.id], edit: 2, read: 1 });
      expect(unanswered).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'unavailable',
          message: expect.stringMatching(/^No review service replied in time\. .* may or may not /),
        },
      });
    });
  });

  describe('a server that closes', () => {
    it('finishes what is in hand, once, and leaves the rest to the next', async () => {
      const opened = gate();
      const begun: string[] = [];
      const done: string[] = [];
      const first = await transport.consume(
        'inference',
        {
          [InferenceRequested.pattern]: async ({ jobId }) => {
            begun.push(jobId);
            await opened.passed;
            done.push(jobId);
          },
        },
        { concurrency: 2 },
      );
      const ids = Array.from({ length: 5 }, () => randomUUID());
      for (const id of ids.slice(0, 3)) await emit(id);
      await until('two are in hand', () => begun.length === 2);
      const closing = first.close();
      await emit(ids[3]);
      expect(first.ready).toBe(false);
      opened.open();
      await closing;
      expect([begun, done]).toEqual([ids.slice(0, 2), ids.slice(0, 2)]);

      const later: string[] = [];
      await transport.consume(
        'inference',
        { [InferenceRequested.pattern]: ({ jobId }) => later.push(jobId) },
        { concurrency: 1 },
      );
      await emit(ids[4]);
      await until('the last one was handled', () => later.includes(ids[4]!));
      expect(later).toEqual(ids.slice(2));
    });

    it('lets go of what takes longer than its grace', async () => {
      let begun = false;
      const server = await transport.consume(
        'inference',
        {
          [InferenceRequested.pattern]: () => {
            begun = true;
            return new Promise(() => undefined);
          },
        },
        { graceMs: 50 },
      );
      await emit();
      await until('it is in hand', () => begun);
      await server.close();
    });
  });

  it('stops at once when a pattern of its queue has no handler, and names it', () => {
    const server = transport.createServer({ queue: 'reviewCommands', concurrency: 1, graceMs: 0 });
    server.addHandler(DecideReview.pattern, () => Promise.resolve());
    expect(() => server.listen(() => undefined)).toThrow(/review\.edit/);
  });

  it('refuses to send a pattern that no queue carries, and names it', async () => {
    await expect(firstValueFrom(transport.client.emit('job.lost', {}))).rejects.toThrow(/job\.lost/);
  });
});
