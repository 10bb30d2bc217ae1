import { beforeEach, describe, expect, it } from '@jest/globals';
import { Outage } from './outage';

const [FIRST, SECOND] = [{}, {}];
let lines: string[];
let outage: Outage;
beforeEach(() => {
  lines = [];
  outage = new Outage({ log: (line) => lines.push(line), warn: (line) => lines.push(`! ${line}`) });
});

describe('an outage of the broker is told', () => {
  it('once, with its first reason, and once when all connections are back', () => {
    outage.lost(FIRST, new Error('Unexpected close'));
    outage.lost(SECOND, new Error('Unexpected close'));
    for (let tries = 0; tries < 3; tries++) outage.lost(FIRST, new Error('connect ECONNREFUSED'));
    outage.found(FIRST);
    expect(lines).toEqual(['! the broker is away (Unexpected close); trying again until it is back']);
    outage.found(SECOND);
    expect(lines.slice(1)).toEqual(['the broker is back']);
  });

  it('again when it happens again', () => {
    for (let times = 0; times < 2; times++) {
      outage.lost(FIRST, new Error('Unexpected close'));
      outage.found(FIRST);
    }
    expect(lines).toHaveLength(4);
  });

  it('not where the start has told it already, but its end is', () => {
    outage.noteTold();
    outage.lost(FIRST, new Error('connect ECONNREFUSED'));
    outage.found(FIRST);
    expect(lines).toEqual(['the broker is back']);
  });

  it('not when nothing was away, nor of a connection that was closed meanwhile', () => {
    outage.found(FIRST);
    outage.lost(SECOND, new Error('Unexpected close'));
    outage.forget(SECOND);
    outage.found(FIRST);
    expect(lines).toHaveLength(1);
  });

  it('in one line, also where a host has several addresses', () => {
    outage.lost(FIRST, new AggregateError([new Error('connect ECONNREFUSED ::1\n    at x'), new Error('y')]));
    expect(lines).toEqual([
      '! the broker is away (connect ECONNREFUSED ::1 at x); trying again until it is back',
    ]);
  });
});
