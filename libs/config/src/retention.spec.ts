import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config';
import { retentionDays } from './retention';

describe('RETENTION_DAYS', () => {
  const kept = (text: string | undefined, project: string) =>
    retentionDays(readConfig({ RETENTION_DAYS: text }), project);

  it('keeps contents for ever unless it is set', () => {
    expect(kept(undefined, 'default')).toBeNull();
    expect(kept('off', 'default')).toBeNull();
  });

  it('has a value for all projects, and others for single ones', () => {
    expect(kept('90', 'default')).toBe(90);
    expect(kept('365, support=30,legal=off', 'support')).toBe(30);
    expect(kept('365,support=30,legal=off', 'legal')).toBeNull();
    expect(kept('365,support=30,legal=off', 'other')).toBe(365);
    expect(kept('support=30', 'other')).toBeNull();
  });

  it.each(['0', '-1', '1.5', 'a year', '36501', '30,60', 'support=', '=30', 'Support=30', 'a=1,a=2'])(
    'refuses %s',
    (text) => {
      expect(() => readConfig({ RETENTION_DAYS: text })).toThrow(
        /RETENTION_DAYS=".*": must be a number of days/,
      );
    },
  );
});
