import { describe, expect, it } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { holdTimesOf } from './hold-times';

const BEAT_MS = 240_000;
const request = (headers: Record<string, string> = {}) => ({ headers }) as unknown as FastifyRequest;

describe('how long a held client waits', () => {
  it('is not known where it does not say: it is kept alive after HOLD_BEAT_MS', () => {
    expect(holdTimesOf(request(), null, BEAT_MS)).toEqual({ replyAfter: null, beatAfter: BEAT_MS });
    expect(holdTimesOf(request(), null, 0)).toEqual({ replyAfter: null, beatAfter: null });
  });

  it.each(['x-stainless-read-timeout', 'x-stainless-timeout'])('is what %s says, less a second', (header) => {
    expect(holdTimesOf(request({ [header]: '30.0' }), null, BEAT_MS).replyAfter).toBe(29_000);
    expect(holdTimesOf(request({ [header]: '1' }), null, BEAT_MS).replyAfter).toBe(500);
  });

  it.each(['', 'soon', '0', '-5', 'Infinity', '1e9'])('is not known from the header %j', (text) => {
    const headers = { 'x-stainless-read-timeout': text };
    expect(holdTimesOf(request(headers), null, BEAT_MS).replyAfter).toBeNull();
  });

  it('is shorter where the line was cut before, by a timer and not by a person', () => {
    expect(holdTimesOf(request(), 60_000, BEAT_MS).beatAfter).toBe(48_000);
    expect(holdTimesOf(request(), 600_000, BEAT_MS).beatAfter).toBe(BEAT_MS);
    expect(holdTimesOf(request(), 3000, BEAT_MS).beatAfter).toBe(BEAT_MS);
    expect(holdTimesOf(request(), 60_000, 0).beatAfter).toBeNull();
  });

  it('is as long as it takes for a client that asks more often than usual', () => {
    const tries = (count: string) =>
      holdTimesOf(
        request({ 'x-stainless-read-timeout': '30', 'x-stainless-retry-count': count }),
        null,
        BEAT_MS,
      );
    expect(tries('2')).toEqual({ replyAfter: 29_000, beatAfter: BEAT_MS });
    expect(tries('3')).toEqual({ replyAfter: 29_000, beatAfter: 29_000 });
  });
});
