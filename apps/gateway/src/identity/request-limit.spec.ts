import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Config } from '@hitl/config';
import type { Caller, RequestCounts } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { credentialOf } from './credential';
import { RequestLimit } from './request-limit';

const caller = (name: string) => ({ project: 'default', name }) as Caller;

describe('the requests of a key or a person in a minute', () => {
  let totals: Map<string, number>;
  let isAway: boolean;

  beforeEach(() => {
    jest.useFakeTimers({ now: 600_000 });
    [totals, isAway] = [new Map(), false];
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  function gateway(most = 3) {
    const store = {
      add: (minute: number, added: Map<string, number>) => {
        if (isAway) return Promise.reject(new Error('away'));
        const sums = [...added].map(([id, n]): [string, number] => {
          totals.set(`${id} ${minute}`, n + (totals.get(`${id} ${minute}`) ?? 0));
          return [id, totals.get(`${id} ${minute}`)!];
        });
        return Promise.resolve(new Map(sums));
      },
    } as RequestCounts;
    const limit = new RequestLimit({ MAX_REQUESTS_PER_MINUTE: most } as Config, store);
    /** The headers of a response, or the code of a refusal with them. */
    const send = (id: string | null, mayRefuse = true, person = 'ann') => {
      const told: Record<string, unknown> = {};
      const reply = { header: (name: string, value: unknown) => (told[name] = value) };
      try {
        limit.admit(credentialOf({ keyId: id }), caller(person), reply as unknown as FastifyReply, mayRefuse);
      } catch (error) {
        told.code = (error as { code: string }).code;
      }
      return told;
    };
    return { send, share: () => limit.share() };
  }

  it('are as many as may be, and begin anew with the next minute', () => {
    const { send } = gateway();
    jest.advanceTimersByTime(18_000);
    const policy = { 'ratelimit-policy': '"key";q=3;w=60' };
    expect(send('a')).toEqual({ ...policy, ratelimit: '"key";r=2;t=42' });
    for (const left of [1, 0]) expect(send('a').ratelimit).toBe(`"key";r=${left};t=42`);
    expect(send('a')).toEqual({
      ...policy,
      ratelimit: '"key";r=0;t=42',
      'retry-after': 42,
      code: 'rate_limit_exceeded',
    });
    expect(send('b').code).toBeUndefined();
    jest.advanceTimersByTime(42_000);
    expect(send('a').ratelimit).toBe('"key";r=2;t=60');
  });

  it('are counted at all gateways together', async () => {
    const [one, other] = [gateway(), gateway()];
    for (const { send, share } of [one, one, other]) {
      send('a');
      await share();
    }
    expect(other.send('a').code).toBe('rate_limit_exceeded');
  });

  it('are counted at each gateway while the database is away, and shared once it is back', async () => {
    const { send, share } = gateway();
    isAway = true;
    for (let sent = 0; sent < 3; sent += 1) send('a');
    await expect(share()).rejects.toThrow('away');
    expect(send('a').code).toBe('rate_limit_exceeded');
    isAway = false;
    await share();
    expect([...totals.values()]).toEqual([3]);
  });

  it('may be more where none may be refused, or there is no limit', () => {
    const { send } = gateway(1);
    for (let sent = 0; sent < 3; sent += 1) expect(send('a', false).code).toBeUndefined();
    expect(gateway(0).send('a')).toEqual({});
  });

  it('are counted by their name where somebody has no key', () => {
    const { send } = gateway(1);
    for (const person of ['ann', 'ben']) expect(send(null, true, person).code).toBeUndefined();
    expect(send(null, true, 'ann').code).toBe('rate_limit_exceeded');
    expect(send('ann').code).toBeUndefined();
  });
});
