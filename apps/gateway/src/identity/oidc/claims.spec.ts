import { describe, expect, it } from '@jest/globals';
import type { OidcSettings } from '@hitl/service';
import { claimAt, namesIn, rightsOf } from './claims';

const grants: OidcSettings['grants'] = new Map([
  ['seniors', { role: null, project: 'default', groups: ['seniors'] }],
  ['shop-leads', { role: 'lead', project: 'shop', groups: ['leads'] }],
  ['staff', { role: 'reviewer', project: 'default', groups: [] }],
  ['leads', { role: 'lead', project: 'default', groups: ['seniors', 'leads'] }],
]);
const rights = (claims: object, groupsClaim = 'groups') =>
  rightsOf(claims as Record<string, unknown>, { groupsClaim, grants } as OidcSettings);

describe('what a person’s groups give', () => {
  it.each([
    [['staff'], { project: 'default', roles: ['reviewer'], groups: [] }],
    [
      ['leads', 'seniors', 'staff', 'x'],
      { project: 'default', roles: ['reviewer', 'lead'], groups: ['seniors', 'leads'] },
    ],
    [['staff', 'shop-leads', 'seniors'], { project: 'shop', roles: ['lead'], groups: ['leads'] }],
    ['staff', { project: 'default', roles: ['reviewer'], groups: [] }],
    [['seniors'], { project: 'default', roles: [], groups: ['seniors'] }],
    [['constructor', 7, null], { project: 'default', roles: [], groups: [] }],
    [undefined, { project: 'default', roles: [], groups: [] }],
    [{ staff: true }, { project: 'default', roles: [], groups: [] }],
  ])('is of %j: %j', (groups, expected) => {
    expect(rights({ groups })).toEqual(expected);
  });

  it('is found by a path, or by a name with dots', () => {
    expect(rights({ realm_access: { roles: ['staff'] } }, 'realm_access.roles').roles).toEqual(['reviewer']);
    expect(rights({ 'https://x.example/groups': ['staff'] }, 'https://x.example/groups').roles).toEqual([
      'reviewer',
    ]);
    expect(claimAt({ a: 1 }, 'a.b')).toBeUndefined();
    expect(claimAt({}, 'constructor.name')).toBeUndefined();
  });

  it('is nothing for an address that nobody has verified', () => {
    const byEmail = (verified?: unknown) =>
      rights({ email: 'staff', email_verified: verified }, 'email').roles;
    expect([byEmail(true), byEmail(false), byEmail('true'), byEmail()]).toEqual([['reviewer'], [], [], []]);
  });
});

it('calls a person by the claim, else by the subject', () => {
  expect(
    namesIn({ sub: '7', preferred_username: 'ann' }, { nameClaim: 'preferred_username' } as OidcSettings),
  ).toEqual(['ann', '7']);
  expect(
    namesIn({ sub: '7', preferred_username: 7 }, { nameClaim: 'preferred_username' } as OidcSettings),
  ).toEqual(['7']);
});
