import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import type { Role } from '../caller';
import { prepared } from '../prepared';
import type { Subject } from './person-store';

/** A session that nobody uses ends after this time. */
const IDLE = `interval '2 hours'`;
/** Rows that one sweep deletes at most. */
const MAX_SWEPT = 10_000;
/** How long one gateway has to ask the provider, in seconds; then another one may. */
const CHECK_SECONDS = 30;

/** What a provider's groups give a person. */
export interface Rights {
  project: string;
  /** None: the person may do nothing, for now. */
  roles: Role[];
  groups: string[];
}

/** Somebody who has signed in at a provider. */
export interface SignedIn extends Subject, Rights {
  /** The session at the provider; null: it has not said. */
  sid: string | null;
  /** The provider's tokens, encrypted. */
  tokens: string;
  /** Whether the provider can be asked again what the person may do. */
  canCheck: boolean;
}

/** A browser's sign-in. */
export interface Session {
  /** The key that was signed in with: the session ends with it. Null: a person has signed in at a provider. */
  keyId: string | null;
  person: (Subject & Rights & { name: string }) | null;
  /** When the provider was asked what the person may do; null: it cannot be asked again. */
  checkedAt: Date | null;
  expiresAt: Date;
}

type SessionRow = Omit<Session, 'person'> & { hash: string; name: string | null } & Subject & Rights;

/** Sessions of browsers, by the hash of the token in their cookie. */
@Injectable()
export class SessionStore {
  /** The session with a hash, in hexadecimal digits; null: there is none, or it has ended. */
  readonly find: (hash: string) => Promise<Session | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.find = batchedStatement(async (hashes: string[]) => {
      const rows: SessionRow[] = await database.query(
        prepared(
          'find-sessions',
          `SELECT encode(hash, 'hex') AS hash, key_id AS "keyId", s.issuer, s.subject, s.project, s.roles, s.groups, p.name,
                  checked_at AS "checkedAt", expires_at AS "expiresAt"
           FROM sessions s LEFT JOIN people p ON p.issuer = s.issuer AND p.subject = s.subject
           WHERE hash = ANY (ARRAY(SELECT decode(h, 'hex') FROM unnest($1::text[]) h)) AND expires_at > now()
             AND used_at > now() - ${IDLE}`,
        ),
        [hashes],
      );
      const byHash = new Map(rows.map((row) => [row.hash, toSession(row)]));
      return hashes.map((hash) => byHash.get(hash) ?? null);
    });
  }

  /**
   * @param who an API key's id, or a person
   * @param lifeMs how long it lasts at most
   */
  async open(hash: Buffer, who: string | SignedIn, lifeMs: number): Promise<void> {
    const keyId = typeof who === 'string' ? who : null;
    const person = typeof who === 'string' ? undefined : who;
    await this.database.query(
      `INSERT INTO sessions (hash, key_id, expires_at, issuer, subject, sid, project, roles, groups, tokens, checked_at)
       VALUES ($1, $2, now() + $3 * interval '1 millisecond', $4, $5, $6, $7, $8, $9, $10, CASE WHEN $11 THEN now() END)`,
      [
        hash,
        keyId,
        lifeMs,
        person?.issuer,
        person?.subject,
        person?.sid,
        person?.project,
        person?.roles,
        person?.groups,
        person?.tokens,
        person?.canCheck ?? false,
      ],
    );
  }

  /** @returns the provider's tokens, encrypted; null: it had none, or there was no session */
  async close(hash: string): Promise<string | null> {
    const rows: { tokens: string | null }[] = await this.database.query(
      `WITH gone AS (DELETE FROM sessions WHERE hash = decode($1, 'hex') RETURNING tokens) SELECT tokens FROM gone`,
      [hash],
    );
    return rows[0]?.tokens ?? null;
  }

  /**
   * Ends the sessions of somebody who signed out at the provider: those of its session `sid`, or else all of the subject's. One
   * of which it is not known to which session there it belongs goes with the subject.
   * @param before those that began later stay, so that a message that comes again ends nothing more
   * @returns their hashes, in hexadecimal digits
   */
  async closeOf(
    { issuer, subject, sid }: { issuer: string; subject: string | null; sid: string | null },
    before: Date,
  ): Promise<string[]> {
    const rows: { hash: string }[] = await this.database.query(
      `WITH gone AS (
         DELETE FROM sessions WHERE issuer = $1 AND ($2::text IS NULL OR subject = $2)
           AND ($3::text IS NULL OR sid = $3 OR (sid IS NULL AND $2::text IS NOT NULL)) AND NOT ($2::text IS NULL AND $3::text IS NULL) AND created_at <= $4 RETURNING hash
       ) SELECT encode(hash, 'hex') AS hash FROM gone`,
      [issuer, subject, sid, before],
    );
    return rows.map(({ hash }) => hash);
  }

  /**
   * Makes one gateway alone ask the provider about a session: a refresh token can be used once.
   * @param ageMs how old what is known must be
   * @returns the tokens to ask with; null: it need not be asked, or another one does
   */
  async beginCheck(hash: string, ageMs: number): Promise<string | null> {
    const rows: { tokens: string }[] = await this.database.query(
      `WITH due AS (
         UPDATE sessions SET checking_until = now() + ${CHECK_SECONDS} * interval '1 second'
         WHERE hash = decode($1, 'hex') AND checked_at < now() - $2 * interval '1 millisecond'
           AND (checking_until IS NULL OR checking_until < now()) RETURNING tokens
       ) SELECT tokens FROM due`,
      [hash, ageMs],
    );
    return rows[0]?.tokens ?? null;
  }

  /** Keeps what the provider says now. */
  async endCheck(
    hash: string,
    { project, roles, groups, tokens }: Rights & { tokens: string },
  ): Promise<void> {
    await this.database.query(
      `UPDATE sessions SET project = $2, roles = $3, groups = $4, tokens = $5, checked_at = now(), checking_until = NULL
       WHERE hash = decode($1, 'hex')`,
      [hash, project, roles, groups, tokens],
    );
  }

  /** The provider did not answer: it is asked again after a while. */
  async putOffCheck(hash: string, pauseMs: number): Promise<void> {
    await this.database.query(
      `UPDATE sessions SET checking_until = now() + $2 * interval '1 millisecond' WHERE hash = decode($1, 'hex')`,
      [hash, pauseMs],
    );
  }

  /** Notes when sessions were last used, by their hashes. */
  async touch(used: ReadonlyMap<string, Date>): Promise<void> {
    if (used.size === 0) return;
    await this.database.query(
      `UPDATE sessions s SET used_at = u.at FROM unnest($1::text[], $2::timestamptz[]) u (hash, at)
       WHERE s.hash = decode(u.hash, 'hex') AND s.used_at < u.at`,
      [[...used.keys()], [...used.values()]],
    );
  }

  /** Deletes sessions that have ended, a bounded number at a time. */
  async sweep(): Promise<void> {
    await this.database.query(
      `DELETE FROM sessions WHERE hash = ANY (ARRAY(SELECT hash FROM sessions
         WHERE expires_at < now() OR used_at < now() - ${IDLE} LIMIT ${MAX_SWEPT}))`,
    );
  }
}

function toSession({
  keyId,
  checkedAt,
  expiresAt,
  name,
  issuer,
  subject,
  project,
  roles,
  groups,
}: SessionRow): Session {
  const person = name === null ? null : { issuer, subject, name, project, roles, groups };
  return { keyId, person, checkedAt, expiresAt };
}
