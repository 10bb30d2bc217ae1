import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@hitl/domain';
import { PerCaller } from './per-caller';

describe('what each caller may have open', () => {
  const open = () =>
    new PerCaller(2, (caller, most) => new DomainError('too_many_streams', `${caller} has ${most}`));

  it('is so many at a time, whatever others have', () => {
    const streams = open();
    const leave = streams.enter('a');
    streams.enter('a');
    expect(() => streams.enter('a')).toThrow('a has 2');
    streams.enter('b');
    leave();
    streams.enter('a');
    expect(() => streams.enter('a')).toThrow('a has 2');
  });

  it('is forgotten when it has ended', () => {
    const streams = open();
    for (let round = 0; round < 1000; round += 1) streams.enter(`caller ${round}`)();
    expect(streams).toMatchObject({ open: new Map() });
  });
});
