import { describe, expect, it } from '@jest/globals';
import { describeTrouble, isDatabaseTrouble, isDataFault, isTransient } from './database-errors';

const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('an error that may pass by itself', () => {
  it.each([
    '08006',
    '25006',
    '57P01',
    '57P03',
    '57P05',
    '53100',
    '53300',
    '58030',
    '40001',
    '40P01',
    '55P03',
    '57014',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'EHOSTUNREACH',
    'EAI_AGAIN',
  ])('has the code %s', (code) => {
    expect(isTransient(withCode(code))).toBe(true);
    expect(isDatabaseTrouble(withCode(code))).toBe(true);
  });
  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'Driver not Connected',
  ])('says «%s»', (message) => {
    expect(isTransient(new Error(message))).toBe(true);
  });
  it('is one of several that happened together', () => {
    expect(isTransient(new AggregateError([new Error('x'), withCode('ECONNREFUSED')]))).toBe(true);
  });
});

describe('an error that stays', () => {
  it.each(['23505', '23514', '22P05', '42P01', '22001', '08P01', '28P01', '42501', 'ERR_X'])(
    'has the code %s',
    (code) => {
      expect(isTransient(withCode(code))).toBe(false);
    },
  );
  it('is what the server says, whatever its words', () => {
    expect(isTransient(withCode('08P01', 'connection terminated: unsupported startup parameter'))).toBe(
      false,
    );
  });
  it.each([new Error('a bug'), 'ECONNRESET', null, undefined, { code: '08006' }])('is %p', (error) => {
    expect(isTransient(error)).toBe(false);
  });
});

describe('what a statement was given', () => {
  it.each(['23502', '23503', '23505'])(
    'is neither at fault nor refuses the data where it says %s of what else is stored',
    (code) => {
      expect(isDataFault(withCode(code))).toBe(false);
      expect(isDatabaseTrouble(withCode(code))).toBe(false);
    },
  );

  it.each(['22P05', '22021', '22001', '23514', '54000', '54001'])('is why it fails with %s', (code) => {
    expect(isDataFault(withCode(code))).toBe(true);
    expect(isDatabaseTrouble(withCode(code))).toBe(false);
  });
  it.each([
    '08P01',
    '25006',
    '26000',
    '28P01',
    '28000',
    '3D000',
    '42501',
    '42P05',
    '42P01',
    '53100',
    '55000',
    '57P01',
    '58030',
    'F0000',
    'HV000',
    'P0001',
    'XX000',
    'XX002',
    'ENOTFOUND',
  ])('is not why it fails with %s', (code) => {
    expect(isDataFault(withCode(code))).toBe(false);
    expect(isDatabaseTrouble(withCode(code))).toBe(true);
  });
  it.each([new Error('a bug'), new TypeError('x is not a function'), withCode('ERR_X'), withCode('EXDEV')])(
    'and the database have nothing to do with %p',
    (error) => {
      expect(isDataFault(error)).toBe(false);
      expect(isDatabaseTrouble(error)).toBe(false);
    },
  );
});

describe('what is told of the trouble', () => {
  it.each([
    ['53100', 'cannot store anything now: its disk is full'],
    ['53300', 'overloaded'],
    ['25006', 'read-only'],
    ['55P03', 'Something else is changing'],
    ['ECONNREFUSED', 'does not respond'],
    ['XX001', 'SQLSTATE XX001'],
  ])('with %s says what it is, and not in the database’s words', (code, words) => {
    const told = describeTrouble(withCode(code, 'could not extend file "base/1/2": secret'));
    expect(told).toContain(words);
    expect(told).not.toContain('secret');
  });
});
