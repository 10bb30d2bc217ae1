import { describe, expect, it } from '@jest/globals';
import { unfinished } from './withheld';

describe('a held request whose time is over', () => {
  it.each([
    { hasKey: false, joinMs: 600_000, status: 503, retryAfter: 1 },
    { hasKey: true, joinMs: 0, status: 503, retryAfter: 1 },
    { hasKey: false, joinMs: 0, status: 422, retryAfter: null },
  ])('is $status where it has a key: $hasKey, and joins for $joinMs ms', ({ status, retryAfter, ...how }) => {
    const error = unfinished('timeout', 'an-id', { status: 'human', ...how });
    expect(error).toMatchObject({ code: 'review_pending', status, retryAfter });
  });
});
