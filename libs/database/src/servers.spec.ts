import { describe, expect, it } from '@jest/globals';
import { serversOf } from './servers';

describe('the servers of DATABASE_URL', () => {
  it.each([
    ['postgres://u:p@h/db', ['postgres://u:p@h/db']],
    ['postgres://u:p,q@h:5433/db?sslmode=require', ['postgres://u:p,q@h:5433/db?sslmode=require']],
    [
      'postgres://u:p@h1:5432,h2:5433/db?target_session_attrs=read-write',
      [
        'postgres://u:p@h1:5432/db?target_session_attrs=read-write',
        'postgres://u:p@h2:5433/db?target_session_attrs=read-write',
      ],
    ],
    [
      'postgresql://[::1]:1,[::2],h3/db',
      ['postgresql://[::1]:1/db', 'postgresql://[::2]/db', 'postgresql://h3/db'],
    ],
  ])('in %s are tried one by one', (url, servers) => {
    expect(serversOf(url)).toEqual(servers);
    for (const server of servers) expect(URL.canParse(server)).toBe(true);
  });

  it.each(['any', 'standby', 'read-only', 'prefer-standby', 'nonsense'])(
    'are not chosen by target_session_attrs=%s, and it says so',
    (value) => {
      expect(() => serversOf(`postgres://u:hunter2@h/db?target_session_attrs=${value}`)).toThrow(
        `DATABASE_URL=postgres://h/db cannot be used: target_session_attrs=${value} is not known here. Write target_session_attrs=read-write`,
      );
    },
  );

  it('each have a name', () => {
    expect(() => serversOf('postgres://u:p@h1,,h3/db')).toThrow('a host of its list is empty');
  });
});
