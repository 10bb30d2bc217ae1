import { describe, expect, it } from '@jest/globals';
import type { EventPosition, EventReader, EventRecord, JobReader } from '@hitl/domain';
import { SCOPE, until } from '@hitl/testing';
import { EventTail } from './event-tail.service';

const at = (id: number): EventPosition => ({ epoch: 1, xid: '1', id: String(id) });
const event = (id: number, project = SCOPE.project) =>
  ({ ...at(id), jobId: `${project}'s`, project }) as EventRecord;

describe('following the events', () => {
  it('loses none of them when two begin at once and only the second sees the newest one', async () => {
    const all = [event(1)];
    const ends: ((position: EventPosition) => void)[] = [];
    const after = (scope: { project: string | null }, { id }: EventPosition) => {
      const looked = all.filter((one) => Number(one.id) > Number(id));
      const events = looked.filter(({ project }) => scope.project === null || project === scope.project);
      return Promise.resolve({ events, end: looked.at(-1) ?? null, hasMore: false });
    };
    const end = () => new Promise<EventPosition>((resolve) => ends.push(resolve));
    const tail = new EventTail(
      { after, end, has: () => Promise.resolve(true) } as unknown as EventReader,
      {} as JobReader,
    );
    const stopped = new AbortController();
    const seen = { ann: [] as string[], ben: [] as string[] };
    const follow = (name: keyof typeof seen, from: EventPosition) =>
      tail.follow(SCOPE, from, {
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

  it('tells each project of its own events alone, and goes on after those of others', async () => {
    const all = [event(1, 'other'), event(2)];
    const asked: string[] = [];
    const after = (scope: { project: string | null }, { id }: EventPosition) => {
      asked.push(`${scope.project} after ${id}`);
      const looked = all.filter((one) => Number(one.id) > Number(id)).slice(0, 1);
      const events = looked.filter(({ project }) => scope.project === null || project === scope.project);
      return Promise.resolve({ events, end: looked.at(-1) ?? null, hasMore: looked.length === 1 });
    };
    const tail = new EventTail(
      {
        after,
        end: () => Promise.resolve(at(2)),
        has: () => Promise.resolve(true),
      } as unknown as EventReader,
      {} as JobReader,
    );
    const stopped = new AbortController();
    const seen = { default: [] as string[], other: [] as string[] };
    const following = (['default', 'other'] as const).map((project) =>
      tail.follow({ project }, at(0), {
        next: (events) => seen[project].push(...events.map(({ id }) => id)),
        beat: () => undefined,
        reset: () => undefined,
        lost: () => undefined,
        drained: () => Promise.resolve(),
        signal: stopped.signal,
      }),
    );
    await until('both have read the past', () => asked.filter((one) => one.endsWith('after 2')).length === 2);
    expect(seen).toEqual({ default: ['2'], other: ['1'] });
    await new Promise(setImmediate);
    all.push(event(3), event(4, 'other'));
    tail.wake();
    await until('the last event is told', () => seen.other.includes('4'));
    expect(seen).toEqual({ default: ['2', '3'], other: ['1', '4'] });
    stopped.abort();
    await Promise.all(following);
  });
});
