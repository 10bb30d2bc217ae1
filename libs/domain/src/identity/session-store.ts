import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import { prepared } from '../prepared';

/** Rows that one sweep deletes at most. */
const MAX_SWEPT = 10_000;

/** A browser's sign-in. */
export interface Session {
  /** The key that was signed in with: the session ends with it. */
  keyId: string;
  expiresAt: Date;
}

/** Sessions of browsers, by the hash of the token in their cookie. */
@Injectable()
export class SessionStore {
  /** The session with a hash, in hexadecimal digits; null: there is none, or it has ended. */
  readonly find: (hash: string) => Promise<Session | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.find = batchedStatement(async (hashes: string[]) => {
      const rows: (Session & { hash: string })[] = await database.query(
        prepared(
          'find-sessions',
          `SELECT encode(hash, 'hex') AS hash, key_id AS "keyId", expires_at AS "expiresAt" FROM sessions
           WHERE hash = ANY (ARRAY(SELECT decode(h, 'hex') FROM unnest($1::text[]) h)) AND expires_at > now()`,
        ),
        [hashes],
      );
      const byHash = new Map(rows.map((row) => [row.hash, row]));
      return hashes.map((hash) => byHash.get(hash) ?? null);
    });
  }

  async open(hash: Buffer, keyId: string, lifeMs: number): Promise<void> {
    await this.database.query(
      `INSERT INTO sessions (hash, key_id, expires_at) VALUES ($1, $2, now() + $3 * interval '1 millisecond')`,
      [hash, keyId, lifeMs],
    );
  }

  async close(hash: string): Promise<void> {
    await this.database.query(`DELETE FROM sessions WHERE hash = decode($1, 'hex')`, [hash]);
  }

  /** Deletes sessions that have ended, a bounded number at a time. */
  async sweep(): Promise<void> {
    await this.database.query(
      `DELETE FROM sessions WHERE hash = ANY (ARRAY(SELECT hash FROM sessions WHERE expires_at < now() LIMIT ${MAX_SWEPT}))`,
    );
  }
}
