import { expect, it } from '@jest/globals';
import { until } from '@hitl/testing';
import { readEvents, type StreamedEvent } from '../e2e/streamed-events';
import { onPair, type Pair } from './standby';
import { DEADLINE, submit, submitMany, TEST_DEADLINE, useSystem } from './support';

let servers: Pair;
const system = useSystem({ on: onPair((pair) => (servers = pair)) });

/** Follows events until the stream ends or `leave`, and keeps what it has seen. */
function follow(url: string): { seen: StreamedEvent[]; leave: () => void; over: Promise<unknown> } {
  const seen: StreamedEvent[] = [];
  let left = false;
  const over = readEvents(url, {
    enough: (events) => {
      seen.push(...events.slice(seen.length));
      return left;
    },
  });
  over.catch(() => undefined);
  return { seen, over, leave: () => (left = true) };
}

it(
  'tells followers that the last moments were lost with a failover, and misses nothing after it',
  async () => {
    // Only a gateway: nothing but what is submitted happens.
    const gateway = await system.start('gateway');
    const [kept = ''] = await submitMany(1, gateway);
    const all = follow(`${gateway.url}/v1/events`);
    const sees = (id: string) => all.seen.some(({ data }) => (data as { job_id?: string }).job_id === id);
    const [second = ''] = await submitMany(1, gateway);
    await until('the follower sees what happens', () => sees(second), DEADLINE);
    await servers.caughtUp();

    await servers.standby.stop();
    const lost = await submitMany(20, gateway);
    await until('the follower has seen the rest', () => lost.every(sees), DEADLINE);
    const lastId = all.seen.at(-1)!.id;
    const one = follow(`${gateway.url}/v1/jobs/${lost[0]!}/events`);
    await until('the job is followed', () => one.seen.length === 1, DEADLINE);

    await servers.primary.kill();
    await servers.standby.start();
    await servers.promote();
    await until('it is told', () => all.seen.some(({ event }) => event === 'reset'), DEADLINE);
    await one.over;
    expect(one.seen.map(({ event }) => event)).toEqual(['submitted', 'reset']);

    // More than were lost, so that transactions get the same ids again.
    const again: string[] = [];
    await until(
      'jobs are accepted',
      async () => {
        const { status, body } = await submit(gateway);
        if (status === 202) again.push(body.id);
        return again.length >= 40;
      },
      DEADLINE,
    );
    await until('the follower sees them all', () => again.every(sees), DEADLINE);
    all.leave();
    const after = all.seen.slice(all.seen.findIndex(({ event }) => event === 'reset') + 1);
    expect(after.map(({ data }) => (data as { job_id: string }).job_id)).toEqual(again);

    const resumed = await fetch(`${gateway.url}/v1/events`, { headers: { 'last-event-id': lastId } });
    expect([resumed.status, (await resumed.json()) as object]).toMatchObject([410, { code: 'event_gone' }]);
    expect((await fetch(`${gateway.url}/v1/jobs/${lost[0]!}`)).status).toBe(404);
    const old = await readEvents(`${gateway.url}/v1/jobs/${kept}/events`, {
      enough: (events) => events.length === 1,
    });
    expect(old.map(({ event }) => event)).toEqual(['submitted']);
    const told = gateway.logs.filter((line) => line.includes('the history of the database went back'));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0]!)).toMatchObject({ level: 'error' });
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
