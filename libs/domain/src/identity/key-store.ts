import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import { prepared } from '../prepared';
import type { ApiKey, NewApiKey } from './api-key';

/** Keys that a list has at most, and that can be used at the same time. */
export const MAX_KEYS = 1000;

const COLUMNS = `id, project, owner, role, scopes, created_at AS "createdAt", created_by AS "createdBy", expires_at AS "expiresAt",
  revoked_at AS "revokedAt", revoked_by AS "revokedBy", last_used_at AS "lastUsedAt", replaced_by AS "replacedBy"`;
const IS_ACTIVE = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`;

/** A key with what it is compared to. */
export type HashedKey = ApiKey & { hash: Buffer };

/** API keys. Their rows stay after their end, so that it can be said whose key did what. */
@Injectable()
export class KeyStore {
  /** The key with an id, whatever its state; null: there is none. */
  readonly find: (id: string) => Promise<HashedKey | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.find = batchedStatement(async (ids: string[]) => {
      const rows: HashedKey[] = await database.query(
        prepared('find-keys', `SELECT hash, ${COLUMNS} FROM api_keys WHERE id = ANY ($1::text[])`),
        [ids],
      );
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id) ?? null);
    });
  }

  /**
   * The secret under which keys and sessions are hashed where the configuration has none: made once, and the same for
   * every process on this database.
   */
  async hashingSecret(fresh: Buffer): Promise<Buffer> {
    await this.database.query('INSERT INTO auth_secret (secret) VALUES ($1) ON CONFLICT DO NOTHING', [fresh]);
    const rows: { secret: Buffer }[] = await this.database.query('SELECT secret FROM auth_secret');
    const [{ secret } = { secret: fresh }] = rows;
    return secret;
  }

  /** Adds a key; false where there is one with its id already, or {@link MAX_KEYS} that can be used. */
  async create(key: NewApiKey): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      `WITH added AS (
         INSERT INTO api_keys (id, hash, project, owner, role, scopes, created_by, expires_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE (SELECT count(*) FROM api_keys WHERE ${IS_ACTIVE}) < ${MAX_KEYS}
         ON CONFLICT (id) DO NOTHING RETURNING id
       ) SELECT id FROM added`,
      [key.id, key.hash, key.project, key.owner, key.role, key.scopes, key.createdBy, key.expiresAt],
    );
    return rows.length > 0;
  }

  /** Newest first, those that can be used before the others; {@link MAX_KEYS} at most. */
  list(): Promise<ApiKey[]> {
    return this.database.query(
      `SELECT ${COLUMNS} FROM api_keys ORDER BY (${IS_ACTIVE}) DESC, created_at DESC, id LIMIT ${MAX_KEYS}`,
    );
  }

  /** Whether somebody can sign in as an administrator. */
  async hasAdmin(): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      `SELECT 1 FROM api_keys WHERE role = 'admin' AND ${IS_ACTIVE} LIMIT 1`,
    );
    return rows.length > 0;
  }

  /** Ends a key; one that has been revoked stays as it is. @returns null: there is none */
  async revoke(id: string, by: string): Promise<ApiKey | null> {
    await this.database.query(
      'UPDATE api_keys SET revoked_at = now(), revoked_by = $2 WHERE id = $1 AND revoked_at IS NULL',
      [id, by],
    );
    return this.find(id);
  }

  /**
   * Puts a key in the place of another, which goes on for a while beside it.
   * @param overlapMs how long the old one can still be used, unless it expires before
   * @returns the new one; null: the old one cannot be used, or is replaced already
   */
  async rotate(
    id: string,
    { id: newId, hash, createdBy }: Pick<NewApiKey, 'id' | 'hash' | 'createdBy'>,
    overlapMs: number,
  ): Promise<ApiKey | null> {
    const rows: unknown[] = await this.database.query(
      `WITH old AS (
         SELECT * FROM api_keys WHERE id = $1 AND replaced_by IS NULL AND ${IS_ACTIVE} FOR UPDATE
       ), added AS (
         INSERT INTO api_keys (id, hash, project, owner, role, scopes, created_by, expires_at)
         SELECT $2, $3, project, owner, role, scopes, $4, now() + (expires_at - created_at) FROM old RETURNING id
       ), replaced AS (
         UPDATE api_keys k SET replaced_by = added.id, expires_at = least(k.expires_at, now() + $5 * interval '1 millisecond')
         FROM added WHERE k.id = $1
       ) SELECT id FROM added`,
      [id, newId, hash, createdBy, overlapMs],
    );
    return rows.length > 0 ? this.find(newId) : null;
  }

  /** Notes when keys were last used. */
  async touch(used: ReadonlyMap<string, Date>): Promise<void> {
    if (used.size === 0) return;
    await this.database.query(
      `UPDATE api_keys k SET last_used_at = u.at FROM unnest($1::text[], $2::timestamptz[]) u (id, at)
       WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)`,
      [[...used.keys()], [...used.values()]],
    );
  }
}
