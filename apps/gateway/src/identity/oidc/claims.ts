import { DEFAULT_PROJECT, isJsonObject, type Rights, type Role } from '@hitl/domain';
import type { OidcSettings } from '@hitl/service';

type Claims = Record<string, unknown>;

/** Groups of one person that count; who is in more has the first ones. */
const MAX_GROUPS = 1000;

/** A claim by its name, which may have dots itself, or by a path of names with dots between; undefined: there is none. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/**
 * What a person's groups at the provider give. Everybody works in one project: that of the first entry of OIDC_GROUPS that is
 * theirs and gives a role.
 */
export function rightsOf(claims: Claims, { groupsClaim, grants }: OidcSettings): Rights {
  const given = [claimAt(claims, groupsClaim) ?? []].flat().slice(0, MAX_GROUPS);
  // Anybody can write an address that is not theirs, where nobody has verified it.
  const counts = groupsClaim !== 'email' || claims.email_verified === true;
  const theirs = [...grants].filter(([name]) => counts && given.includes(name)).map(([, grant]) => grant);
  const project = theirs.find(({ role }) => role !== null)?.project ?? DEFAULT_PROJECT;
  const there = theirs.filter((grant) => grant.project === project);
  const roles = there.flatMap(({ role }): Role[] => (role === null ? [] : [role]));
  return { project, roles: [...new Set(roles)], groups: [...new Set(there.flatMap(({ groups }) => groups))] };
}

/** What a person may be called, the best first. */
export function namesIn(claims: Claims, { nameClaim }: OidcSettings): string[] {
  return [claimAt(claims, nameClaim), claims.sub].filter((each) => typeof each === 'string');
}
