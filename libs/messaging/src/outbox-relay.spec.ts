import { describe, expect, it, jest } from '@jest/globals';
import type { ClientProxy } from '@nestjs/microservices';
import { DomainError, type Bell, type OutboxStore } from '@hitl/domain';
import { of, throwError } from 'rxjs';
import { OutboxRelay } from './outbox-relay';

const BELL: Bell = { id: '1', pattern: 'inference.requested', jobId: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' };

describe('the outbox relay', () => {
  const takeDue = jest.fn(() => Promise.resolve([BELL]));
  const remove = jest.fn((_ids: string[]) => Promise.resolve());
  const relayWith = (connect: () => Promise<void>): OutboxRelay =>
    new OutboxRelay(
      { takeDue, delete: remove } as unknown as OutboxStore,
      { connect, emit: () => of(undefined) } as unknown as ClientProxy,
    );

  it('leaves orphaned rows to be taken by others, and later, while the broker is away', async () => {
    const relay = relayWith(() => Promise.reject(new Error('away')));
    expect(await relay.publishOrphans()).toBe(0);
    expect(takeDue).not.toHaveBeenCalled();
  });

  it('publishes what was rung before the broker was there as soon as it is, and leaves nothing to the pollers', async () => {
    let isThere = false;
    const away = new DomainError('unavailable', 'away');
    const emit = jest.fn(() => (isThere ? of(undefined) : throwError(() => away)));
    const connect = () => (isThere ? Promise.resolve() : Promise.reject(away));
    const relay = new OutboxRelay(
      { takeDue, delete: remove } as unknown as OutboxStore,
      { connect, emit } as unknown as ClientProxy,
    );
    remove.mockClear();
    relay.ring(BELL);
    await new Promise(setImmediate);
    await relay.publishLeft();
    expect(remove).not.toHaveBeenCalled();
    isThere = true;
    await relay.publishLeft();
    await relay.beforeApplicationShutdown();
    expect(remove).toHaveBeenCalledWith(['1']);
    // Once is enough.
    emit.mockClear();
    await relay.publishLeft();
    expect(emit).not.toHaveBeenCalled();
  });

  it('deletes the rows of messages that were published within a moment in one statement', async () => {
    const relay = relayWith(() => Promise.resolve());
    remove.mockClear();
    relay.ring(BELL);
    await new Promise(setImmediate);
    relay.ring({ ...BELL, id: '2' });
    await relay.beforeApplicationShutdown();
    expect(remove.mock.calls).toEqual([[['1', '2']]]);
  });

  it('publishes orphaned rows and deletes them', async () => {
    expect(await relayWith(() => Promise.resolve()).publishOrphans()).toBe(1);
    expect(remove).toHaveBeenCalledWith(['1']);
  });
});
