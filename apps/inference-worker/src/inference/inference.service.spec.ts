import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Config } from '@hitl/config';
import { JsonText, type Inferred, type JobStore } from '@hitl/domain';
import type { ChangeAnnouncer, OutboxRelay } from '@hitl/messaging';
import type { ModelRouter } from '../model-providers/model-router';
import { InferenceService } from './inference.service';
import type { LeaseKeeper } from './lease-keeper';

type FailedAttempt = Parameters<JobStore['failAttempt']>[0];

const JOB = {
  id: 'a job',
  payload: new JsonText('{}'),
  turns: [],
  roundAttempts: 1,
  responseSchema: null,
  hasFallback: false,
};
const BELL = { id: '1', pattern: 'review.requested' as const, jobId: JOB.id };
const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code });

/** A worker whose database answers `complete` with these, one after the other, and the last one for ever. */
function worker(...answers: (Error | typeof BELL)[]) {
  const complete = jest.fn((_outcome: Inferred) => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  const failAttempt = jest.fn((_outcome: FailedAttempt) => Promise.resolve(true));
  const infer = jest.fn(() =>
    Promise.resolve({ response: new JsonText('"an answer"'), provider: 'stub', usage: null }),
  );
  const announce = jest.fn();
  const service = new InferenceService(
    { claim: () => Promise.resolve(JOB), complete, failAttempt } as unknown as JobStore,
    { infer } as unknown as ModelRouter,
    {
      keep: () => ({ lost: new AbortController().signal, release: () => undefined }),
    } as unknown as LeaseKeeper,
    { ring: () => undefined } as unknown as OutboxRelay,
    { announce } as unknown as ChangeAnnouncer,
    Object.assign(new Config(), { WORKER_LEASE_MS: 60_000 }),
  );
  return { service, complete, failAttempt, infer, announce };
}

describe('a worker with an answer', () => {
  beforeEach(() => {
    Logger.overrideLogger(false);
  });

  it.each([
    '25006',
    '26000',
    '42P05',
    '42501',
    '28P01',
    '53100',
    '55000',
    '57P01',
    '58030',
    'XX000',
    '08006',
  ])('keeps it while the database says %s, and asks the model once', async (code) => {
    const { service, complete, failAttempt, infer, announce } = worker(withCode(code), BELL);
    await service.run(JOB.id);
    expect(complete).toHaveBeenCalledTimes(2);
    expect(complete.mock.calls[1]).toEqual(complete.mock.calls[0]);
    expect(infer).toHaveBeenCalledTimes(1);
    expect(failAttempt).not.toHaveBeenCalled();
    expect(announce).toHaveBeenCalledWith(JOB.id, 'human');
  });

  it('stores it where the database refused it once only', async () => {
    const { service, failAttempt, announce } = worker(withCode('22P05'), BELL);
    await service.run(JOB.id);
    expect(failAttempt).not.toHaveBeenCalled();
    expect(announce).toHaveBeenCalledWith(JOB.id, 'human');
  });

  it.each(['22P05', '22021', '23514', '54000'])(
    'fails the job when the database refuses it twice with %s, without the database’s words',
    async (code) => {
      const { service, complete, failAttempt, announce } = worker(withCode(code, 'invalid: secret'));
      await service.run(JOB.id);
      expect(complete).toHaveBeenCalledTimes(2);
      const [[{ detail, retryInMs }]] = failAttempt.mock.calls as [[FailedAttempt]];
      expect(retryInMs).toBeNull();
      expect(detail).toContain(`SQLSTATE ${code}`);
      expect(detail).not.toContain('secret');
      expect(announce).toHaveBeenCalledWith(JOB.id, 'fail');
    },
  );

  it.each(['23502', '23503', '23505'])(
    'ends no job for what else is stored (%s): its lease runs out, and it is tried again',
    async (code) => {
      const { service, failAttempt, announce } = worker(withCode(code));
      await expect(service.run(JOB.id)).rejects.toMatchObject({ code });
      expect(failAttempt).not.toHaveBeenCalled();
      expect(announce).not.toHaveBeenCalled();
    },
  );

  it('says that the job has failed only when it has', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const { service, failAttempt } = worker(withCode('23514'));
    failAttempt.mockRejectedValue(new TypeError('a bug'));
    await expect(service.run(JOB.id)).rejects.toThrow('a bug');
    expect(warn).not.toHaveBeenCalled();
    failAttempt.mockResolvedValue(true);
    await service.run(JOB.id);
    expect(warn.mock.calls.map(([told]) => (told as { message: string }).message)).toEqual([
      expect.stringMatching(/^job failed: The model's response cannot be stored/),
    ]);
    warn.mockRestore();
  });
});
