import { authModes, ConfigError, list, type Config } from '@hitl/config';
import { DEFAULT_PROJECT, isJsonObject, PROJECT_NAME, ROLES, type Role } from '@hitl/domain';

/** What being in a group at the provider gives a person here. */
export interface Grant {
  /** Null: it gives none. */
  role: Role | null;
  project: string;
  /** Groups of reviewers in the policy. */
  groups: readonly string[];
}

/** How people sign in at an OpenID provider. */
export interface OidcSettings {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Null: the API takes no access tokens. */
  audience: string | null;
  algorithms: string[];
  scope: string;
  nameClaim: string;
  groupsClaim: string;
  /** By the names of groups at the provider, in the order in which they were written. */
  grants: ReadonlyMap<string, Grant>;
  recheckMs: number;
}

const NEEDED = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_GROUPS'] as const;

/**
 * @returns null where nobody signs in at a provider
 * @throws ConfigError where something for it is missing, or set without it
 */
export function oidcSettings(config: Config): OidcSettings | null {
  const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_AUDIENCE, OIDC_GROUPS } = config;
  if (!authModes(config).includes('oidc')) {
    const set = [...NEEDED, 'OIDC_AUDIENCE' as const].find((name) => config[name] !== undefined);
    if (set === undefined) return null;
    throw new ConfigError(
      `${set} is set, but AUTH_MODE is ${config.AUTH_MODE ?? 'not set'}: nobody could sign in at the provider. Set AUTH_MODE=keys,oidc, or leave ${set} out.`,
    );
  }
  if (!OIDC_ISSUER || !OIDC_CLIENT_ID || !OIDC_CLIENT_SECRET || !OIDC_GROUPS) {
    const missing = NEEDED.filter((name) => config[name] === undefined);
    throw new ConfigError(`AUTH_MODE=${config.AUTH_MODE} needs ${missing.join(', ')}. See docs/security.md.`);
  }
  if (OIDC_AUDIENCE === OIDC_CLIENT_ID) {
    throw new ConfigError(
      `OIDC_AUDIENCE=${JSON.stringify(OIDC_AUDIENCE)} is OIDC_CLIENT_ID, the audience of ID tokens, which would be taken for access tokens. Give the API an audience of its own at the provider.`,
    );
  }
  return {
    issuer: OIDC_ISSUER,
    clientId: OIDC_CLIENT_ID,
    clientSecret: OIDC_CLIENT_SECRET,
    audience: OIDC_AUDIENCE ?? null,
    algorithms: list(config.OIDC_ALGORITHMS),
    scope: config.OIDC_SCOPE,
    nameClaim: config.OIDC_NAME_CLAIM,
    groupsClaim: config.OIDC_GROUPS_CLAIM,
    grants: readGrants(OIDC_GROUPS),
    recheckMs: config.OIDC_RECHECK_MS,
  };
}

/** @throws ConfigError */
function readGrants(text: string): Map<string, Grant> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw refusal(`is not JSON: ${(error as Error).message}`);
  }
  if (!isJsonObject(read) || Object.keys(read).length === 0) throw refusal('is not an object with a group');
  return new Map(Object.entries(read).map(([name, grant]) => [name, readGrant(name, grant)]));
}

function readGrant(name: string, given: unknown): Grant {
  const at = JSON.stringify(name);
  if (!isJsonObject(given)) throw refusal(`${at} is not an object`);
  const { role = null, project = DEFAULT_PROJECT, groups = [], ...others } = given;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw refusal(`${at}: ${JSON.stringify(other)} is none of role, project and groups`);
  if (role !== null && !ROLES.some((known) => known === role)) {
    throw refusal(`${at}: the role is ${JSON.stringify(role)}, which is none of ${ROLES.join(', ')}`);
  }
  if (typeof project !== 'string' || !PROJECT_NAME.test(project)) {
    throw refusal(`${at}: ${JSON.stringify(project)} is no project's name`);
  }
  if (!Array.isArray(groups) || !groups.every((each) => typeof each === 'string' && each !== '')) {
    throw refusal(`${at}: the groups are not a list of a policy's groups`);
  }
  return { role: role as Role | null, project, groups: groups as string[] };
}

function refusal(what: string): ConfigError {
  return new ConfigError(
    `OIDC_GROUPS ${what}. Write such as {"staff":{"role":"reviewer"},"seniors":{"groups":["seniors"]}}.`,
  );
}
