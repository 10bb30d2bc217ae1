import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import { prepared } from '../prepared';

/** A gateway that was not seen for so long is dead, and its clients are gone, in milliseconds. It is seen every 500 ms. */
const SILENT_MS = 2000;
/** What reviewers see waits longer: a gateway that is merely slow must not make clients come and go. */
const SHOWN_SILENT_MS = 10_000;
/** Rows that one sweep deletes at most. */
const MAX_SWEPT = 10_000;

/** Whether the client that was held for a job is still there. */
export const HELD_CLIENTS = ['waiting', 'gone'] as const;
export type HeldClient = (typeof HELD_CLIENTS)[number];

/** The SQL of {@link HeldClient} for the job with the alias `job`; null: no client is held, or it has its answer. */
export function heldClientOf(job: string): string {
  return `(SELECT CASE WHEN h.left_at IS NULL AND g.seen_at > now() - interval '${SHOWN_SILENT_MS} milliseconds' THEN 'waiting' ELSE 'gone' END
    FROM held_requests h LEFT JOIN gateways g ON g.id = h.gateway_id WHERE h.job_id = ${job}.id AND h.answered_at IS NULL)`;
}

/** One request that is held at one gateway. */
export interface HeldRequest {
  gatewayId: string;
  requestId: string;
  jobId: string;
}

/** A request without an idempotency key; `jobId` is the job that it makes where it has none yet. */
export interface Question extends HeldRequest {
  /** SHA-256 of caller, door and body. */
  asked: Buffer;
  /** The client says that it asks again. */
  certain: boolean;
  /** How long ago the client may have gone, in milliseconds. */
  joinMs: number;
  /** How long ago this request was first asked for its job, in milliseconds. */
  waitedMs: number;
}

/** The job that a request waits for. */
export interface Joined {
  jobId: string;
  /** How soon the line to the client that waited for it before was cut, in milliseconds; null: it was not. */
  cutAfterMs: number | null;
}

/** How a held request ended. */
export interface Closing extends HeldRequest {
  /** The job's end was sent. */
  answered: boolean;
  /** After how many milliseconds the line was cut; null: it was not. */
  cutAfterMs: number | null;
}

/** Keeps which requests are held for which jobs. */
@Injectable()
export class HoldStore {
  /**
   * Finds the job that a request waits for. Answers null as long as nobody knows whether an identical request is still
   * held at another gateway, which may just have been killed: ask again until that one has been seen alive since this
   * request came, or counts as dead.
   */
  readonly join: (question: Question) => Promise<Joined | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.join = batchedStatement((questions: Question[]) => join(database, questions));
  }

  /** Holds a request for the job of its idempotency key. */
  async keep({ jobId, gatewayId, requestId }: HeldRequest): Promise<void> {
    await this.database.query(
      prepared(
        'hold-keyed',
        `INSERT INTO held_requests (job_id, gateway_id, request_id, held_at) VALUES ($1, $2, $3, now())
         ON CONFLICT (job_id) DO UPDATE
           SET gateway_id = excluded.gateway_id, request_id = excluded.request_id, held_at = now(), left_at = NULL, answered_at = NULL`,
      ),
      [jobId, gatewayId, requestId],
    );
  }

  /** Ends holds; one that another request has taken over goes on. */
  async close(closings: Closing[]): Promise<void> {
    await this.database.query(
      prepared(
        'close-holds',
        `WITH input AS (
           SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::integer[]) AS t (job_id, request_id, answered, cut_after_ms)
         ), locked AS MATERIALIZED (
           -- In the order in which identical requests are joined: nobody waits for each other.
           SELECT h.job_id FROM held_requests h JOIN input USING (job_id, request_id)
           ORDER BY h.asked, h.job_id FOR NO KEY UPDATE OF h
         )
         UPDATE held_requests h
         SET answered_at = CASE WHEN input.answered THEN clock_timestamp() END,
             left_at = CASE WHEN NOT input.answered THEN clock_timestamp() END,
             cut_after_ms = least(h.cut_after_ms, input.cut_after_ms)
         FROM input JOIN locked USING (job_id)
         WHERE h.job_id = input.job_id AND h.request_id = input.request_id`,
      ),
      [
        closings.map(({ jobId }) => jobId),
        closings.map(({ requestId }) => requestId),
        closings.map(({ answered }) => answered),
        closings.map(({ cutAfterMs }) => cutAfterMs),
      ],
    );
  }

  /** Says that a gateway is alive, and so are the clients that it holds. */
  async beat(gatewayId: string): Promise<void> {
    await this.database.query(
      prepared(
        'gateway-beat',
        `INSERT INTO gateways (id, seen_at) VALUES ($1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`,
      ),
      [gatewayId],
    );
  }

  /** Forgets what nobody can join any more: jobs that ended longer than `joinMs` ago, and gateways that hold nothing. */
  async sweep(joinMs: number): Promise<void> {
    await this.database.query(
      `DELETE FROM held_requests WHERE job_id IN (
         SELECT h.job_id FROM held_requests h LEFT JOIN jobs j ON j.id = h.job_id
         WHERE (j.id IS NULL OR j.status IN ('success', 'fail') OR h.answered_at IS NOT NULL)
           AND greatest(h.held_at, h.left_at, h.answered_at, j.finished_at) < now() - $1 * interval '1 millisecond' - interval '1 hour'
         LIMIT ${MAX_SWEPT})`,
      [joinMs],
    );
    await this.database.query(
      `DELETE FROM gateways g WHERE g.seen_at < now() - interval '1 day'
         AND NOT EXISTS (SELECT 1 FROM held_requests h WHERE h.gateway_id = g.id AND h.left_at IS NULL AND h.answered_at IS NULL)`,
    );
  }
}

async function join(database: DataSource, questions: Question[]): Promise<(Joined | null)[]> {
  const rows: { requestId: string; joined: Joined | null }[] = await database.query(
    prepared(
      'hold',
      `SELECT input.request_id AS "requestId", CASE WHEN NOT EXISTS (
         SELECT 1 FROM gateways g
         WHERE NOT input.certain AND input.join_ms > ${SILENT_MS}
           AND g.id <> input.gateway_id AND g.seen_at <= input.came_at
           AND g.seen_at >= clock_timestamp() - interval '${SILENT_MS} milliseconds'
           AND EXISTS (
             SELECT 1 FROM held_requests h
             WHERE h.asked = input.asked AND h.gateway_id = g.id AND h.left_at IS NULL AND h.answered_at IS NULL
               AND h.held_at <= input.came_at)
       ) THEN (
         SELECT jsonb_build_object('jobId', held.job_id, 'cutAfterMs', held.cut_after_ms)
         FROM hitl_hold(input.job_id, input.asked, input.gateway_id, input.request_id, input.certain,
           now() - input.join_ms * interval '1 millisecond', interval '${SILENT_MS} milliseconds') held
       ) END AS joined
       FROM (
         SELECT *, clock_timestamp() - waited_ms * interval '1 millisecond' AS came_at
         FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::boolean[], $6::integer[], $7::integer[])
           AS t (job_id, asked, gateway_id, request_id, certain, join_ms, waited_ms)
         ORDER BY asked
       ) input`,
    ),
    [
      questions.map(({ jobId }) => jobId),
      questions.map(({ asked }) => asked),
      questions.map(({ gatewayId }) => gatewayId),
      questions.map(({ requestId }) => requestId),
      questions.map(({ certain }) => certain),
      questions.map(({ joinMs }) => joinMs),
      questions.map(({ waitedMs }) => waitedMs),
    ],
  );
  const byRequest = new Map(rows.map(({ requestId, joined }) => [requestId, joined]));
  return questions.map(({ requestId }) => byRequest.get(requestId) ?? null);
}
