import { describe, expect, it } from '@jest/globals';
import { isTransient } from './database-errors';

const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('an error that may pass by itself', () => {
  it.each([
    '08006',
    '57P01',
    '57P03',
    '53300',
    '40001',
    '40P01',
    '55P03',
    '57014',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
  ])('has the code %s', (code) => {
    expect(isTransient(withCode(code))).toBe(true);
  });
  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ])('says «%s»', (message) => {
    expect(isTransient(new Error(message))).toBe(true);
  });
  it('is one of several that happened together', () => {
    expect(isTransient(new AggregateError([new Error('x'), withCode('ECONNREFUSED')]))).toBe(true);
  });
});

describe('an error that stays', () => {
  it.each(['23505', '23514', '22P05', '42P01', '22001', 'ERR_X'])('has the code %s', (code) => {
    expect(isTransient(withCode(code))).toBe(false);
  });
  it.each([new Error('a bug'), 'ECONNRESET', null, undefined, { code: '08006' }])('is %p', (error) => {
    expect(isTransient(error)).toBe(false);
  });
});
