import { describe, expect, it } from '@jest/globals';
import { readConfig } from '@hitl/config';
import { LocalCaller } from './local-caller';

const callerOn = (HOST?: string) => new LocalCaller(readConfig({ HOST }));
const named = (name: string) => ({ headers: { 'x-hitl-actor': name } });

describe('who makes a request where nobody signs in', () => {
  it('is the local administrator, unless the request says another name', () => {
    const local = { name: 'local', project: 'default', roles: ['admin'], scopes: null, groups: [] };
    expect(callerOn().of({ headers: {} })).toEqual(local);
    expect(callerOn().of(named('%C3%84nne')).name).toBe('Änne');
    expect(callerOn().of(named('ann'))).toEqual({ ...local, name: 'ann' });
  });

  it.each(['', ' ', 'worker', 'policy:x', '100%', '%ff', 'a\u0000b', 'a'.repeat(129)])(
    'is nobody by the name %j',
    (name) => {
      expect(() => callerOn().of(named(name))).toThrow(/^x-hitl-actor: /);
    },
  );

  it('is the local person alone where strangers reach the server, and another name is refused', () => {
    const caller = callerOn('0.0.0.0');
    expect(caller.mayChoose).toBe(false);
    expect(caller.of(named('local')).name).toBe('local');
    expect(() => caller.of(named('ann'))).toThrow(/is not taken/);
  });
});
