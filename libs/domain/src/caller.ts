/** Whose rows a reader shows: those of one project. A {@link Caller} is the scope of what it asks for. */
export interface Scope {
  project: string;
}

/** Rows of every project: for what services do by themselves, such as the reconciler. Never for a caller. */
export const EVERY_PROJECT = { project: null } as const;

/** What a caller may be allowed to do; each route names those that it takes. `write` does not include `read`. */
export const PERMISSIONS = [
  /** Read the project's jobs as their submitter: the response once it is approved. */
  'jobs:read',
  /** Submit jobs, and cancel them. */
  'jobs:write',
  /** Erase what jobs were about. */
  'jobs:erase',
  /** Read what reviewers read: responses that nobody has approved, notes, histories. */
  'reviews:read',
  /** Claim, decide, edit, and all else that reviewers do. */
  'reviews:write',
  'policies:read',
  /** Try a policy on the project's jobs. */
  'policies:test',
  /** Read statistics, and who decided what. */
  'insight:read',
  'exports:read',
  /** Export the audit log of a day. */
  'audit:read',
  'webhooks:write',
  /** Create, list and end API keys, of every project. */
  'keys:write',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** What callers may be. */
export const ROLES = ['submitter', 'reviewer', 'lead', 'auditor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const REVIEWER = ['jobs:read', 'reviews:read', 'reviews:write', 'policies:read'] as const;

/** What each role may do. */
export const PERMISSIONS_OF: Record<Role, readonly Permission[]> = {
  submitter: ['jobs:read', 'jobs:write'],
  reviewer: REVIEWER,
  lead: [...REVIEWER, 'policies:test', 'insight:read', 'exports:read'],
  auditor: ['jobs:read', 'reviews:read', 'policies:read', 'insight:read', 'audit:read'],
  admin: PERMISSIONS,
};

/** Who asks, and what they may do. */
export interface Caller extends Scope {
  /** Whom everything that they do is by. Given by the server, and one person's or program's alone: names are compared. */
  name: string;
  roles: readonly Role[];
  /** What is left of what the roles may do; null: all of it. */
  scopes: readonly Permission[] | null;
  /** The reviewers' groups that sign-in knows of; a policy's own are added where it is applied. */
  groups: readonly string[];
}

/** Who asks the desk for something, and the groups that sign-in gives them. */
export interface Reviewer {
  actor: string;
  groups?: readonly string[];
}

/** Whether a caller may do something. */
export function may({ roles, scopes }: Pick<Caller, 'roles' | 'scopes'>, permission: Permission): boolean {
  return (
    (scopes === null || scopes.includes(permission)) &&
    roles.some((role) => PERMISSIONS_OF[role].includes(permission))
  );
}

/** The project of every caller where nobody signs in, and of the first key. */
export const DEFAULT_PROJECT = 'default';

/** Whether a row of `project` is within a scope. */
export function isWithin(
  scope: Scope | typeof EVERY_PROJECT,
  { project }: { project: string | null },
): boolean {
  return scope.project === null || scope.project === project;
}
