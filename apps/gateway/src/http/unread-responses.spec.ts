import { Readable, type Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { JsonText, writeJson } from '@hitl/domain';
import { UnreadResponses } from './unread-responses';

const MIB = 1_048_576;
const large = (mebibytes: number): JsonText => JsonText.of('x'.repeat(mebibytes * MIB));

describe('answers that clients have not read', () => {
  let unread: UnreadResponses;
  const streams: Readable[] = [];

  beforeEach(() => {
    unread = new UnreadResponses();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.destroy();
    jest.useRealTimers();
  });

  function send(answer: object): Readable {
    const { content } = unread.serialize(answer);
    if (!(content instanceof Readable)) throw new Error('it is small');
    streams.push(content.on('error', () => undefined));
    return content;
  }

  const ends = (stream: Readable | Writable): Promise<void> =>
    new Promise((resolve) => stream.once('close', resolve));

  it('are bytes while they are small', () => {
    expect(unread.serialize({ a: [1], b: new JsonText('1.0') })).toEqual({
      content: Buffer.from('{"a":[1],"b":1.0}'),
      length: 17,
    });
  });

  it('are sent byte for byte', async () => {
    const answer = { id: 'é', payload: JsonText.of('é'.repeat(2 * MIB)), response: large(1), after: [1] };
    const { length, content } = unread.serialize(answer);
    const bytes = await buffer(content as Readable);
    expect(bytes.equals(Buffer.from(writeJson(answer)))).toBe(true);
    expect(length).toBe(bytes.length);
  });

  it('are sent a few pieces at a time, whoever reads them, so that others are served between', async () => {
    const bytes = new Array<number>(20).fill(0);
    const sent = bytes.map((_, index) =>
      send({ index, payload: large(2) }).on('data', (piece: Buffer) => {
        bytes[index] = (bytes[index] ?? 0) + piece.length;
      }),
    );
    const all = Promise.all(sent.map(ends));
    let before = 0;
    let most = 0;
    let turns = 0;
    const look = (): void => {
      const now = bytes.reduce((sum, one) => sum + one, 0);
      most = Math.max(most, now - before);
      before = now;
      turns += 1;
      if (now < 20 * 2 * MIB) setImmediate(look);
    };
    look();
    await all;
    expect(most).toBeLessThan(MIB);
    expect(turns).toBeGreaterThan(40);
  });

  it('fill the room once where they have their text in common', async () => {
    const payload = large(40);
    const sent = Array.from({ length: 20 }, (_, index) => send({ index, payload }));
    expect(unread.isFull).toBe(false);
    send({ payload: large(10) });
    expect(unread.isFull).toBe(true);
    for (const stream of sent) stream.destroy();
    await ends(sent.at(-1)!);
    expect(unread.isFull).toBe(false);
  });

  it('make room when they are read', async () => {
    const stream = send({ payload: large(50) });
    const freed = unread.freed(10_000);
    stream.resume();
    await freed;
    expect(unread.isFull).toBe(false);
  });

  it('refuse others only after their patience', async () => {
    send({ payload: large(50) });
    const refused = unread.freed(900);
    jest.advanceTimersByTime(900);
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('are cut off where nothing is read of them while others wait', async () => {
    const stuck = send({ payload: large(50) });
    jest.advanceTimersByTime(60_000);
    expect(stuck.destroyed).toBe(false);
    const freed = unread.freed(10_000);
    jest.advanceTimersByTime(2000);
    await freed;
    expect(stuck.destroyed).toBe(true);
  });

  it('are cut off where others wait for long, the oldest first', async () => {
    const [first, second] = [send({ payload: large(50) }), send({ payload: large(20) })];
    const freed = unread.freed(10_000);
    for (let second = 0; second < 7; second += 1) {
      for (const stream of streams) stream.read(262_144);
      await new Promise((resolve) => setImmediate(resolve));
      jest.advanceTimersByTime(1000);
    }
    await freed;
    expect([first.destroyed, second.destroyed]).toEqual([true, false]);
  });
});
