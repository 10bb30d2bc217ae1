import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ClientProxy } from '@nestjs/microservices';
import { SCOPE } from '@hitl/testing';
import { EMPTY } from 'rxjs';
import { Viewers } from './viewers.service';

describe('who looks at a job', () => {
  let viewers: Viewers;
  const told: [string, string[]][] = [];

  beforeEach(() => {
    jest.useFakeTimers();
    viewers = new Viewers({ emit: () => EMPTY } as unknown as ClientProxy);
    viewers.onApplicationBootstrap();
    viewers.follow(SCOPE, (jobId, names) => told.push([jobId, names]));
    told.length = 0;
  });

  afterEach(() => {
    viewers.onModuleDestroy();
    jest.useRealTimers();
  });

  it('is told when somebody comes or goes, not when they say again what is known', () => {
    viewers.publish({ ...SCOPE, jobId: 'a', actor: 'bob', looks: true });
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'alice', looks: true });
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'alice', looks: true });
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'bob', looks: false });
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'bob', looks: false });
    expect(told).toEqual([
      ['a', ['bob']],
      ['a', ['alice', 'bob']],
      ['a', ['alice']],
    ]);
  });

  it('is told to nobody of another project, and answered to nobody there', () => {
    const elsewhere: string[] = [];
    viewers.follow({ project: 'other' }, (jobId) => elsewhere.push(jobId));
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'bob', looks: true });
    expect(elsewhere).toEqual([]);
    expect(viewers.of({ project: 'other' }, 'a')).toEqual([]);
    viewers.hear({ project: 'other', jobId: 'b', actor: 'cho', looks: true });
    expect(elsewhere).toEqual(['b']);
    expect(told).toEqual([['a', ['bob']]]);
  });

  it('forgets who has not said it again for 25 seconds', () => {
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'alice', looks: true });
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'bob', looks: true });
    jest.advanceTimersByTime(20_000);
    viewers.hear({ ...SCOPE, jobId: 'a', actor: 'bob', looks: true });
    jest.advanceTimersByTime(10_000);
    expect(viewers.of(SCOPE, 'a')).toEqual(['bob']);
    jest.advanceTimersByTime(20_000);
    expect(viewers.of(SCOPE, 'a')).toEqual([]);
    expect(told.slice(2)).toEqual([
      ['a', ['bob']],
      ['a', []],
    ]);
  });

  it('keeps twenty people a job and ten thousand jobs in mind, and goes on with those', () => {
    for (let n = 0; n < 21; n += 1)
      viewers.hear({ ...SCOPE, jobId: 'a', actor: `reviewer ${n}`, looks: true });
    expect(viewers.of(SCOPE, 'a')).toHaveLength(20);
    for (let n = 0; n < 10_000; n += 1)
      viewers.hear({ ...SCOPE, jobId: `job ${n}`, actor: 'alice', looks: true });
    expect(viewers.of(SCOPE, 'job 9998')).toEqual(['alice']);
    expect(viewers.of(SCOPE, 'job 9999')).toEqual([]);
    viewers.hear({ ...SCOPE, jobId: 'job 0', actor: 'alice', looks: false });
    viewers.hear({ ...SCOPE, jobId: 'job 9999', actor: 'alice', looks: true });
    expect(viewers.of(SCOPE, 'job 9999')).toEqual(['alice']);
  });
});
