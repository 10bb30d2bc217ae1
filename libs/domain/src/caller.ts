/** Whose rows a reader shows: those of one project. A {@link Caller} is the scope of what it asks for. */
export interface Scope {
  project: string;
}

/** Rows of every project: for what services do by themselves, such as the reconciler. Never for a caller. */
export const EVERY_PROJECT = { project: null } as const;

/** What callers may be. */
export const ROLES = ['submitter', 'reviewer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks, and what they may do. */
export interface Caller extends Scope {
  name: string;
  roles: readonly Role[];
  /** The reviewers' groups that sign-in knows of; a policy's own are added where it is applied. */
  groups: readonly string[];
}

/** The project of every caller, until sign-in knows better. */
export const DEFAULT_PROJECT = 'default';

/** Whether a row of `project` is within a scope. */
export function isWithin(
  scope: Scope | typeof EVERY_PROJECT,
  { project }: { project: string | null },
): boolean {
  return scope.project === null || scope.project === project;
}
