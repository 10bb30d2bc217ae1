import { randomBytes } from 'node:crypto';
import type { Permission, Role } from '../caller';
import { DomainError } from '../errors';
import type { ApiKey } from './api-key';
import { MAX_KEYS, type KeyStore } from './key-store';
import { Hashing, newKey, type Secret } from './secrets';

const DAY_MS = 86_400_000;
/** Days that a key can be used at most, where it has an end. */
export const MAX_KEY_DAYS = 3650;
/** How long a replaced key can still be used unless somebody says so, and at most, in hours. */
export const DEFAULT_OVERLAP_HOURS = 24;
export const MAX_OVERLAP_HOURS = 720;

/** What a new key is to be. */
export interface WantedKey {
  project: string;
  owner: string;
  role: Role;
  scopes: Permission[] | null;
  /** Null: it has no end. */
  days: number | null;
  createdBy: string;
}

/** A key that was made just now: its text is told once, and kept nowhere. */
export interface IssuedKey {
  key: ApiKey;
  text: string;
}

/** @param configured AUTH_SECRET */
export async function hashingOf(store: KeyStore, configured: string | undefined): Promise<Hashing> {
  return new Hashing(
    configured === undefined ? await store.hashingSecret(randomBytes(32)) : Buffer.from(configured, 'utf8'),
  );
}

/** @param secret the key's text, where it was given before. @throws DomainError too_many_keys */
export async function issueKey(
  store: KeyStore,
  hashing: Hashing,
  { days, ...wanted }: WantedKey,
  { id, text }: Secret = newKey(),
): Promise<IssuedKey> {
  const hash = hashing.hash('key', text);
  const expiresAt = days === null ? null : new Date(Date.now() + days * DAY_MS);
  const added = await store.create({ ...wanted, id, hash, expiresAt });
  const key = await store.find(id);
  if (added && key) return { key, text };
  throw new DomainError(
    'too_many_keys',
    `There are ${MAX_KEYS} keys that can be used, as many as there may be. Revoke some first.`,
  );
}

/** Makes another key for what a key is for, and ends that one after a while. @throws DomainError key_not_found */
export async function rotateKey(
  store: KeyStore,
  hashing: Hashing,
  id: string,
  { createdBy, overlapMs }: { createdBy: string; overlapMs: number },
): Promise<IssuedKey> {
  const { id: newId, text } = newKey();
  const key = await store.rotate(id, { id: newId, hash: hashing.hash('key', text), createdBy }, overlapMs);
  if (key) return { key, text };
  throw new DomainError(
    'key_not_found',
    `No key hitl_${id} can be replaced: there is none, or it has ended, or was replaced before.`,
  );
}
