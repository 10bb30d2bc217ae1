import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { MAX_NAME_LENGTH, personName } from '../person-name';

/** Whom a provider knows, by what it never gives to anybody else. */
export interface Subject {
  issuer: string;
  subject: string;
}

/** The names of people who sign in at a provider. Each keeps the one of the first time, whatever they are called later. */
@Injectable()
export class PersonStore {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /**
   * Under which name somebody acts. One who comes for the first time gets the first of `wanted` that can be a name; if
   * another person or an API key's owner has it already, with a number behind it that is theirs alone.
   */
  async nameOf(person: Subject, wanted: readonly (string | undefined)[]): Promise<string> {
    const name = wanted.map((each) => personName(each ?? '')).find((each) => each !== null) ?? 'person';
    const known = await this.find(person);
    if (known !== null) return known;
    await this.database.query(
      `INSERT INTO people (issuer, subject, name) SELECT $1, $2, $3
       WHERE NOT EXISTS (SELECT FROM api_keys WHERE owner = $3) ON CONFLICT DO NOTHING`,
      [person.issuer, person.subject, name],
    );
    const added = await this.find(person);
    if (added !== null) return added;
    const number = createHash('sha256')
      .update(JSON.stringify([person.issuer, person.subject]))
      .digest('hex');
    const suffix = ` (${number.slice(0, 16)})`;
    const own =
      Array.from(name)
        .slice(0, MAX_NAME_LENGTH - suffix.length)
        .join('') + suffix;
    await this.database.query(
      'INSERT INTO people (issuer, subject, name) VALUES ($1, $2, $3) ON CONFLICT (issuer, subject) DO NOTHING',
      [person.issuer, person.subject, own],
    );
    return own;
  }

  private async find({ issuer, subject }: Subject): Promise<string | null> {
    const rows: { name: string }[] = await this.database.query(
      'SELECT name FROM people WHERE issuer = $1 AND subject = $2',
      [issuer, subject],
    );
    return rows[0]?.name ?? null;
  }
}
