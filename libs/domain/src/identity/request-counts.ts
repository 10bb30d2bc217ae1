import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { prepared } from '../prepared';

/** Adds up what all gateways count of each caller's requests in a minute. */
@Injectable()
export class RequestCounts {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /**
   * Adds one gateway's counts.
   * @param minute since 1970. What comes for a minute that is over for another gateway is not counted.
   * @param added requests by their caller: the id of a key, or project/name of a person
   * @returns the requests of each of these callers at all gateways in that minute
   */
  async add(minute: number, added: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    // In one order: two gateways that lock rows in different ones would wait for each other.
    const ids = [...added.keys()].sort();
    const rows: { id: string; requests: string }[] = await this.database.query(
      prepared(
        'add-request-counts',
        `INSERT INTO request_counts AS c (caller, minute, requests)
         SELECT id, $1::bigint, n FROM unnest($2::text[], $3::bigint[]) u (id, n)
         ON CONFLICT (caller) DO UPDATE SET minute = excluded.minute,
           requests = excluded.requests + CASE WHEN c.minute = excluded.minute THEN c.requests ELSE 0 END
         WHERE c.minute <= excluded.minute
         RETURNING caller AS id, requests`,
      ),
      [minute, ids, ids.map((id) => added.get(id))],
    );
    return new Map(rows.map(({ id, requests }) => [id, Number(requests)]));
  }
}
