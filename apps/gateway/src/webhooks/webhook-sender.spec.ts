import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { messageOf, outcomeOf, signedHeaders, UnsignedError } from './webhook-sender.service';

const ID = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const createdAt = new Date('2026-01-02T03:04:05.678Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the message', () => {
  it.each([
    ['job.succeeded', 'success'],
    ['job.failed', 'fail'],
  ] as const)('of type %s says which job, its status, and nothing else', (type, status) => {
    const message: unknown = JSON.parse(messageOf({ type, jobId: ID, createdAt }));
    expect(message).toEqual({ type, timestamp: '2026-01-02T03:04:05.678Z', data: { id: ID, status } });
  });

  it('of type ping carries nothing', () => {
    const message: unknown = JSON.parse(messageOf({ type: 'ping', jobId: null, createdAt }));
    expect(message).toEqual({ type: 'ping', timestamp: '2026-01-02T03:04:05.678Z', data: {} });
  });

  it('is signed so that each secret verifies it, and no other', () => {
    const body = messageOf({ type: 'ping', jobId: null, createdAt });
    const takenAt = new Date(Date.now() - MINUTE);
    const headers = signedHeaders({ id: ID, takenAt }, body, [SECRET, OLD_SECRET]);
    expect(headers['webhook-id']).toBe(ID);
    // The database's clock, whatever this one says.
    expect(headers['webhook-timestamp']).toBe(String(Math.floor(takenAt.getTime() / 1000)));
    expect(headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    for (const secret of [SECRET, OLD_SECRET]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    }
    const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    expect(() => new Webhook(other).verify(body, headers)).toThrow('No matching signature');
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow('No matching signature');
  });
});

describe('what becomes of a delivery', () => {
  const after = (attempts: number, statusCode: number, retryAfter?: string) =>
    outcomeOf({ id: ID, attempts }, { statusCode, retryAfter }, 12);

  it.each([200, 201, 202, 204, 299])('is delivered by %i', (statusCode) => {
    expect(after(3, statusCode)).toEqual({
      deliveryId: ID,
      attempts: 3,
      statusCode,
      error: null,
      durationMs: 12,
      next: 'delivered',
      disable: false,
    });
  });

  it('fails for good and disables the endpoint by 410', () => {
    expect(after(0, 410)).toMatchObject({ next: 'failed', disable: true });
  });

  it.each([100, 301, 302, 307, 308, 400, 401, 404, 408, 429, 500, 503])(
    'is tried again after %i',
    (status) => {
      expect(after(0, status)).toMatchObject({ next: expect.any(Number), disable: false });
    },
  );

  it('is tried again when there was no answer, and says why', () => {
    expect(outcomeOf({ id: ID, attempts: 0 }, new Error('connect ECONNREFUSED'), 1)).toMatchObject({
      statusCode: null,
      error: 'connect ECONNREFUSED',
      next: expect.any(Number),
    });
  });

  it('fails at once when there is nothing to sign with', () => {
    const outcome = outcomeOf({ id: ID, attempts: 0 }, new UnsignedError('WEBHOOK_SECRET is not set'), 0);
    expect(outcome).toMatchObject({ next: 'failed', error: 'WEBHOOK_SECRET is not set', disable: false });
  });

  it('waits longer after each try, give or take a fifth, and gives up after the tenth', () => {
    const waits = [5000, 5 * MINUTE, 30 * MINUTE, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR)];
    for (const [attempts, wait] of waits.entries()) {
      const nexts = Array.from({ length: 200 }, () => Number(after(attempts, 500).next));
      expect(Math.min(...nexts)).toBeGreaterThanOrEqual(0.8 * wait);
      expect(Math.max(...nexts)).toBeLessThanOrEqual(1.2 * wait);
      expect(Math.max(...nexts)).toBeGreaterThan(Math.min(...nexts));
    }
    expect(after(9, 500).next).toBe('failed');
  });

  it.each([429, 503])('heeds Retry-After with %i when it is longer, for a day at most', (status) => {
    expect(after(0, status, '600').next).toBe(10 * MINUTE);
    expect(after(0, status, '1').next).toBeGreaterThanOrEqual(4000);
    expect(after(0, status, '99999999').next).toBe(24 * HOUR);
    expect(after(0, status, '-5').next).toBeLessThanOrEqual(6000);
    expect(after(0, status, 'soon').next).toBeLessThanOrEqual(6000);
    const date = new Date(Date.now() + HOUR).toUTCString();
    expect(after(0, status, date).next).toBeGreaterThan(HOUR - 5000);
    expect(after(9, status, '600').next).toBe('failed');
  });

  it('heeds Retry-After with no other status', () => {
    expect(after(0, 500, '600').next).toBeLessThanOrEqual(6000);
  });
});
