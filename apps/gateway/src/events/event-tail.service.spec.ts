import { describe, expect, it } from '@jest/globals';
import type { EventPosition, EventReader, EventRecord, JobReader } from '@hitl/domain';
import { until } from '@hitl/testing';
import { EventTail } from './event-tail.service';

const at = (id: number): EventPosition => ({ epoch: 1, xid: '1', id: String(id) });
const event = (id: number) => ({ ...at(id), jobId: 'a' }) as EventRecord;

describe('following the events', () => {
  it('loses none of them when two begin at once and only the second sees the newest one', async () => {
    const all = [event(1)];
    const ends: ((position: EventPosition) => void)[] = [];
    const after = ({ id }: EventPosition) =>
      Promise.resolve(all.filter((one) => Number(one.id) > Number(id)));
    const end = () => new Promise<EventPosition>((resolve) => ends.push(resolve));
    const tail = new EventTail(
      { after, end, has: () => Promise.resolve(true) } as unknown as EventReader,
      {} as JobReader,
    );
    const stopped = new AbortController();
    const seen = { ann: [] as string[], ben: [] as string[] };
    const follow = (name: keyof typeof seen, from: EventPosition) =>
      tail.follow(from, {
        next: (events) => seen[name].push(...events.map(({ id }) => id)),
        beat: () => undefined,
        reset: () => undefined,
        lost: () => undefined,
        drained: () => Promise.resolve(),
        signal: stopped.signal,
      });
    const following = [follow('ann', at(1)), follow('ben', at(2))];
    ends[0]!(at(1));
    // By the time that the first one follows, it has read all there is to read: the event comes just after.
    await new Promise(setImmediate);
    all.push(event(2));
    ends[1]!(at(2));
    await new Promise(setImmediate);
    tail.wake();
    all.push(event(3));
    await until('both have the last one', () => seen.ann.includes('3') && seen.ben.includes('3'));
    expect(seen).toEqual({ ann: ['2', '3'], ben: ['3'] });
    stopped.abort();
    await Promise.all(following);
  });
});
