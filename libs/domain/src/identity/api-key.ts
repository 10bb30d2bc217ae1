import type { Permission, Role } from '../caller';

/** An API key as it is kept: all but its secret. */
export interface ApiKey {
  /** The part of the key that may be shown: 16 hexadecimal digits. */
  id: string;
  project: string;
  /** The person or program that acts with it. Keys of one owner are the same one. */
  owner: string;
  role: Role;
  /** What is left of what the role may do; null: all of it. */
  scopes: Permission[] | null;
  createdAt: Date;
  createdBy: string;
  expiresAt: Date | null;
  revokedAt: Date | null;
  revokedBy: string | null;
  /** To half a minute. */
  lastUsedAt: Date | null;
  /** The key that a rotation has put in its place. */
  replacedBy: string | null;
}

export type NewApiKey = Pick<
  ApiKey,
  'id' | 'project' | 'owner' | 'role' | 'scopes' | 'createdBy' | 'expiresAt'
> & {
  /** HMAC-SHA256 of the key. */
  hash: Buffer;
};

export const KEY_STATES = ['active', 'expired', 'revoked'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** Whether a key can be used. */
export function stateOf({ expiresAt, revokedAt }: ApiKey, now = new Date()): KeyState {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active';
}

/** What a project's name looks like. */
export const PROJECT_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
