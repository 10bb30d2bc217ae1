import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { IncomingBodies, sendBeforeEnd } from './incoming-bodies';

const KIB = 1024;
const FREE = 64 * KIB;

/** A request whose body comes as it is told to. */
function aRequest(headers: Record<string, string> = {}) {
  const stream = Object.assign(new PassThrough(), { headers });
  return { stream, request: stream as unknown as IncomingMessage };
}

const settle = () => new Promise(setImmediate);

describe('the bodies of requests', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('are read whole', async () => {
    const bodies = new IncomingBodies(1000, 1000);
    const { stream, request } = aRequest();
    const body = bodies.read(request);
    stream.write('one ');
    stream.end('two');
    expect((await body).toString()).toBe('one two');
  });

  it('are refused where they are too large, by what they say or by what comes', async () => {
    const bodies = new IncomingBodies(1000, 1000);
    const said = aRequest({ 'content-length': '1001' });
    await expect(bodies.read(said.request)).rejects.toMatchObject({ code: 'body_too_large' });
    const { stream, request } = aRequest();
    const refused = expect(bodies.read(request)).rejects.toMatchObject({ code: 'body_too_large' });
    stream.write(Buffer.alloc(1001));
    await refused;
  });

  it('are given up when they fall silent, or come too slowly to ever end', async () => {
    const bodies = new IncomingBodies(10_000_000, 10_000_000);
    const silent = aRequest();
    const refusedSilent = expect(bodies.read(silent.request)).rejects.toMatchObject({
      code: 'request_timeout',
      message: expect.stringContaining('3 bytes'),
    });
    silent.stream.write('abc');
    await settle();
    await jest.advanceTimersByTimeAsync(12_000);
    await refusedSilent;
    const slow = aRequest();
    const refusedSlow = expect(bodies.read(slow.request)).rejects.toMatchObject({
      code: 'request_timeout',
      message: expect.stringContaining('too slowly'),
    });
    for (let second = 0; second < 32; second += 1) {
      slow.stream.write('x');
      await settle();
      await jest.advanceTimersByTimeAsync(1000);
    }
    await refusedSlow;
  });

  it('may take their time as long as they come fast enough', async () => {
    const bodies = new IncomingBodies(100_000_000, 100_000_000);
    const { stream, request } = aRequest();
    const body = bodies.read(request);
    for (let second = 0; second < 90; second += 1) {
      stream.write(Buffer.alloc(70 * KIB));
      await settle();
      await jest.advanceTimersByTimeAsync(1000);
    }
    stream.end();
    expect(await body).toHaveLength(90 * 70 * KIB);
  });

  it('make room for others when they are silent', async () => {
    const bodies = new IncomingBodies(1000 * KIB, 100 * KIB);
    const silent = aRequest();
    const refused = expect(bodies.read(silent.request)).rejects.toMatchObject({ code: 'unavailable' });
    silent.stream.write(Buffer.alloc(FREE + 90 * KIB));
    await settle();
    await jest.advanceTimersByTimeAsync(2000);
    const busy = aRequest();
    const body = bodies.read(busy.request);
    busy.stream.end(Buffer.alloc(FREE + 90 * KIB));
    await refused;
    expect(await body).toHaveLength(FREE + 90 * KIB);
  });

  it('are refused while others that are not silent fill the memory, but for small ones', async () => {
    const bodies = new IncomingBodies(1000 * KIB, 100 * KIB);
    const first = aRequest();
    const whole = bodies.read(first.request);
    first.stream.end(Buffer.alloc(FREE + 90 * KIB));
    await whole;
    const second = aRequest();
    const refused = expect(bodies.read(second.request)).rejects.toMatchObject({ code: 'unavailable' });
    second.stream.write(Buffer.alloc(FREE + 20 * KIB));
    await refused;
    const small = aRequest();
    const read = bodies.read(small.request);
    small.stream.end(Buffer.alloc(FREE));
    expect(await read).toHaveLength(FREE);
    // Once the first one is done with, there is room.
    bodies.release(first.request);
    const third = aRequest();
    const body = bodies.read(third.request);
    third.stream.end(Buffer.alloc(FREE + 90 * KIB));
    expect(await body).toHaveLength(FREE + 90 * KIB);
  });

  it('count with what is read of them', async () => {
    const bodies = new IncomingBodies(1000 * KIB, 100 * KIB);
    const { stream, request } = aRequest();
    const body = bodies.read(request);
    stream.end(Buffer.alloc(FREE + 40 * KIB));
    await body;
    bodies.weigh(request, 50 * KIB);
    const other = aRequest();
    const refused = expect(bodies.read(other.request)).rejects.toMatchObject({ code: 'unavailable' });
    other.stream.write(Buffer.alloc(FREE + 20 * KIB));
    await refused;
    // Alone it may be larger; beside another whole one it may not.
    bodies.weigh(request, 20 * KIB);
    const small = aRequest();
    const second = bodies.read(small.request);
    small.stream.end(Buffer.alloc(FREE));
    await second;
    expect(() => bodies.weigh(small.request, 1)).toThrow('fill the memory');
    bodies.release(request);
    bodies.release(small.request);
    const next = aRequest();
    const whole = bodies.read(next.request);
    next.stream.end(Buffer.alloc(FREE + 90 * KIB));
    expect(await whole).toHaveLength(FREE + 90 * KIB);
  });

  it('that are whole go before those that are still coming', async () => {
    const bodies = new IncomingBodies(1000 * KIB, 100 * KIB);
    const coming = aRequest();
    const refused = expect(bodies.read(coming.request)).rejects.toMatchObject({ code: 'unavailable' });
    coming.stream.write(Buffer.alloc(FREE + 50 * KIB));
    await settle();
    const whole = aRequest();
    const body = bodies.read(whole.request);
    whole.stream.end(Buffer.alloc(FREE + 40 * KIB));
    await body;
    bodies.weigh(whole.request, 40 * KIB);
    await refused;
  });

  it('that were refused are read to their end, but slowly: each piece a while after the one before', async () => {
    const { stream, request } = aRequest();
    const raw = { writeHead: jest.fn(), write: jest.fn(), end: jest.fn() };
    const reply = {
      raw,
      request: { raw: request },
      hijack: jest.fn(),
      statusCode: 413,
      getHeaders: () => ({}),
    };
    const pieces: number[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece.length));
    sendBeforeEnd(reply as unknown as FastifyReply, 'too large');
    expect(raw.write).toHaveBeenCalledWith('too large');
    for (let piece = 1; piece <= 3; piece += 1) {
      stream.write(Buffer.alloc(piece));
      await settle();
    }
    expect(pieces).toEqual([1]);
    await jest.advanceTimersByTimeAsync(4);
    expect(pieces).toHaveLength(2);
    stream.end();
    await jest.advanceTimersByTimeAsync(1000);
    expect(pieces).toEqual([1, 2, 3]);
    expect(raw.end).toHaveBeenCalled();
  });
});
