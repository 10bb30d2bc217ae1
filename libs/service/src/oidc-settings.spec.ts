import { describe, expect, it } from '@jest/globals';
import { readConfig } from '@hitl/config';
import { oidcSettings } from './oidc-settings';

const WHOLE = {
  AUTH_MODE: 'keys,oidc',
  OIDC_ISSUER: 'https://login.example/realms/hitl',
  OIDC_CLIENT_ID: 'hitl',
  OIDC_CLIENT_SECRET: 'the secret',
  OIDC_GROUPS: '{"staff":{"role":"lead","project":"shop"},"seniors":{"groups":["seniors"]}}',
};
const settings = (env: object) => oidcSettings(readConfig(env as Record<string, string>));

describe('sign-in at an OpenID provider', () => {
  it('is what its variables say', () => {
    expect(settings({})).toBeNull();
    expect(settings({ AUTH_MODE: 'keys' })).toBeNull();
    const { grants, ...others } = settings(WHOLE)!;
    expect(others).toMatchObject({ audience: null, algorithms: ['RS256'], recheckMs: 300_000 });
    expect([...grants]).toEqual([
      ['staff', { role: 'lead', project: 'shop', groups: [] }],
      ['seniors', { role: null, project: 'default', groups: ['seniors'] }],
    ]);
  });

  it.each(['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_GROUPS'])('needs %s', (name) => {
    expect(() => settings({ ...WHOLE, [name]: '' })).toThrow(`AUTH_MODE=keys,oidc needs ${name}.`);
    expect(() => settings({ ...WHOLE, AUTH_MODE: 'keys' })).toThrow(
      /^OIDC_ISSUER is set, but AUTH_MODE is keys/,
    );
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'is not an object'],
    ['{}', 'is not an object with a group'],
    ['{"a":"reviewer"}', '"a" is not an object'],
    ['{"a":{"role":"root"}}', '"a": the role is "root", which is none of submitter'],
    ['{"a":{"project":"A b"}}', '"A b" is no project'],
    ['{"a":{"groups":"x"}}', 'the groups are not a list'],
    ['{"a":{"rolle":"lead"}}', '"rolle" is none of role, project and groups'],
  ])('takes no OIDC_GROUPS=%s', (OIDC_GROUPS, why) => {
    expect(() => settings({ ...WHOLE, OIDC_GROUPS })).toThrow(why);
  });

  it('takes no token for another', () => {
    expect(() => settings({ ...WHOLE, OIDC_AUDIENCE: 'hitl' })).toThrow(
      /^OIDC_AUDIENCE="hitl" is OIDC_CLIENT_ID/,
    );
  });

  it.each([
    { OIDC_ISSUER: 'http://login.example' },
    { OIDC_ISSUER: 'https://login.example?x' },
    { OIDC_ALGORITHMS: 'none' },
    { OIDC_ALGORITHMS: 'RS256,HS256' },
    { OIDC_SCOPE: 'profile' },
    { OIDC_RECHECK_MS: '0' },
  ])('takes no %j', (env) => {
    const [name = ''] = Object.keys(env);
    expect(() => settings({ ...WHOLE, ...env })).toThrow(`${name}=`);
  });
});
