import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDataSource, migrate, startEmbeddedDatabase, type EmbeddedDatabase } from '@hitl/database';
import { verifyChains, type ChainFinding } from '@hitl/domain';
import {
  aDecision,
  anAnswer,
  anEdit,
  claimedJob,
  createTestDatabase,
  jobIn,
  SCOPE,
  storesOn,
  type Stores,
  type TestDatabase,
} from '@hitl/testing';
import type { DataSource } from 'typeorm';
import { TEST_STORES, type TestStore } from './store';

const REFUSED = { driverError: { code: '42501' } };

async function findings(database: DataSource, jobId?: string): Promise<ChainFinding[]> {
  const all: ChainFinding[] = [];
  await verifyChains(database, (finding) => all.push(finding), jobId === undefined ? {} : { jobId });
  return all;
}

/** A job that nearly everything has happened to, now a success: its events, in order, and its id. */
const LIFE = [
  'submitted',
  'inferred',
  'edited',
  'noted',
  'regenerated',
  'inferred',
  'planned',
  'voted',
  'decided',
];
async function lived({ jobs, desk }: Stores): Promise<string> {
  const lease = await claimedJob(jobs);
  const { jobId } = lease;
  await jobs.complete(anAnswer(lease));
  await desk.edit(anEdit(jobId));
  await desk.addNote({ ...SCOPE, id: randomUUID(), jobId, actor: 'rob', text: 'hm' });
  await desk.decide(aDecision(jobId, { verdict: 'regenerate', feedback: 'shorter' }));
  const token = randomUUID();
  await jobs.claim({ jobId, token, leaseMs: 60_000, maxAttempts: 5 });
  await jobs.complete(anAnswer({ jobId, token }, null));
  await desk.plan({
    jobId,
    revision: 3,
    policyHash: 'p1',
    rule: 'two',
    approvals: 2,
    fourEyes: false,
    group: null,
    remindAfterMs: null,
    escalateAfterMs: null,
    escalateTo: null,
    deadlineMs: null,
    onDeadline: 'fail',
    deadlineGraceMs: 900_000,
    because: null,
    shadow: { decisionId: randomUUID(), verdict: 'reject', rule: 'two' },
  });
  await desk.decide(aDecision(jobId, { verdict: 'edit', actor: 'ann', response: 'four' }));
  await desk.decide(aDecision(jobId, { actor: 'bob' }));
  return jobId;
}

describe.each(TEST_STORES)('the chain of events on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  it('has every event of a job in order, and is whole', async () => {
    const id = await lived(store);
    for (const status of ['bot', 'human', 'success', 'fail'] as const) await jobIn(store, status);
    await store.jobs.cancel(SCOPE, await jobIn(store, 'human'), 'submitter');
    const events = await store.rows(`SELECT seq, type FROM job_events WHERE job_id = $1 ORDER BY id`, [id]);
    expect(events).toEqual(LIFE.map((type, index) => ({ seq: index + 1, type })));
    expect(await findings(store.database)).toEqual([]);
  });

  it('has the events of one statement in order', async () => {
    const id = await jobIn(store, 'human');
    const plan = { approvals: 2, fourEyes: false, group: null, rule: null, because: null, shadow: null };
    const never = {
      remindAfterMs: null,
      escalateAfterMs: null,
      deadlineMs: null,
      onDeadline: 'fail' as const,
      deadlineGraceMs: 900_000,
    };
    await store.desk.plan({ ...plan, ...never, jobId: id, revision: 1, policyHash: 'p', escalateTo: null });
    await store.desk.decide(aDecision(id, { actor: 'ann' }));
    await store.desk.decide(aDecision(id, { actor: 'bob', verdict: 'reject' }));
    const events = await store.rows(
      `SELECT seq, type FROM job_events WHERE job_id = $1 AND seq > 4 ORDER BY id`,
      [id],
    );
    expect(events).toEqual([
      { seq: 5, type: 'voted' },
      { seq: 6, type: 'escalated' },
    ]);
    expect(await findings(store.database)).toEqual([]);
  });

  it('is the same whatever the settings of the connection that writes or verifies', async () => {
    await jobIn(store, 'human');
    await store.database.transaction(async (other) => {
      await other.query(
        `SET LOCAL TimeZone = 'Pacific/Chatham'; SET LOCAL DateStyle = 'SQL, DMY'; SET LOCAL IntervalStyle = 'sql_standard';
         SET LOCAL extra_float_digits = -15; SET LOCAL bytea_output = 'escape'`,
      );
      await other.query(
        `INSERT INTO job_events (job_id, type, status, revision, actor, data)
         SELECT id, 'noted', status, revision, 'rob', '{"b": 1.10, "a": "é"}' FROM jobs`,
      );
      expect(await findings(other as unknown as DataSource)).toEqual([]);
    });
    expect(await findings(store.database)).toEqual([]);
  });

  it('takes no number and no hash from whoever writes an event', async () => {
    const id = await jobIn(store, 'human');
    await store.rows(
      `INSERT INTO job_events (job_id, type, status, revision, actor, seq, hash) VALUES ($1, 'noted', 'human', 1, 'mallory', 7, '\\x00')`,
      [id],
    );
    expect(await store.rows(`SELECT seq FROM job_events WHERE actor = 'mallory'`)).toEqual([{ seq: 3 }]);
    expect(await findings(store.database)).toEqual([]);
  });

  it.each([
    'UPDATE job_events SET actor = actor',
    'DELETE FROM job_events',
    'TRUNCATE job_events',
    `INSERT INTO event_chains VALUES (gen_random_uuid(), 1, '')`,
    'UPDATE event_chains SET seq = seq',
    'DELETE FROM event_chains',
    'TRUNCATE event_chains',
    'UPDATE decisions SET actor = actor',
    'DELETE FROM decisions',
    'TRUNCATE decisions, jobs, drafts',
    'DELETE FROM jobs',
    'DELETE FROM migrations',
    'ALTER TABLE job_events DISABLE TRIGGER job_events_chain',
    'DROP TRIGGER job_events_chain ON job_events',
    `CREATE OR REPLACE FUNCTION hitl_chain_event() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
    'SET session_replication_role = replica',
  ])('cannot be reached by the application: %s', async (sql) => {
    await jobIn(store, 'success');
    const before = await store.everything();
    await expect(store.rows(sql)).rejects.toMatchObject(REFUSED);
    expect(await store.everything()).toEqual(before);
  });

  describe('once tampered with', () => {
    let id: string;
    let other: string;
    beforeEach(async () => {
      id = await lived(store);
      other = await jobIn(store, 'human');
    });
    /** Changes something as the owner of the tables, and answers what is found: `seq type: what`. */
    async function afterwards(sql: string): Promise<string[]> {
      await store.asOwner(sql.replaceAll('$id', `'${id}'`).replaceAll('$other', `'${other}'`));
      const found = await findings(store.database);
      expect(await findings(store.database, id)).toEqual(found.filter(({ jobId }) => jobId === id));
      return found.map(({ jobId, seq, type, what }) => {
        const job = jobId === id ? '' : jobId === other ? 'other ' : `${jobId} `;
        return job + (seq === null ? what : `${String(seq)} ${String(type)}: ${what}`);
      });
    }
    const MISMATCH =
      'does not match its hash: it was changed, or put here, or the hash of the event before was changed';

    it.each([
      `id = DEFAULT`,
      `type = 'undone'`,
      `status = 'bot'`,
      `revision = 7`,
      `actor = 'mallory'`,
      `policy_hash = 'p2'`,
      `data = '{"text": "hm "}'`,
      `data = data || '{"more": null}'`,
      `data = 'null'`,
      `data = NULL`,
      `replaced = '{}'`,
      `replaced = 'null'`,
      `replaced = '{"response": 1}'`,
      `created_at = created_at + interval '1 microsecond'`,
      `created_at = 'infinity'`,
    ])('tells which event was changed: %s', async (change) => {
      const found = await afterwards(`UPDATE job_events SET ${change} WHERE job_id = $id AND seq = 4`);
      expect(found.some((line) => line.startsWith('4 ') && line.endsWith(MISMATCH))).toBe(true);
      expect(found.filter((line) => line.includes(MISMATCH))).toHaveLength(1);
    });

    it.each([-2147483648, -1, 0, 3, 12, 2147483647])(
      'tells of a number that was changed to %i',
      async (seq) => {
        expect(
          await afterwards(`UPDATE job_events SET seq = ${seq} WHERE job_id = $id AND seq = 4`),
        ).not.toEqual([]);
      },
    );

    it('tells of a hash that was changed', async () => {
      const found = await afterwards(
        `UPDATE job_events SET hash = sha256('x') WHERE job_id = $id AND seq = 4`,
      );
      expect(found).toEqual([`4 noted: ${MISMATCH}`, `5 regenerated: ${MISMATCH}`]);
    });

    it('tells of a first, a middle and a last event that were dropped', async () => {
      const found = await afterwards(`DELETE FROM job_events WHERE job_id = $id AND seq IN (1, 4, 9)`);
      expect(found).toEqual(
        expect.arrayContaining([
          '2 inferred: follows number 0: 1 event before it missing',
          '5 regenerated: follows number 3: 1 event before it missing',
          '8 voted: is the newest, but the chain goes on to number 9: its end is missing',
        ]),
      );
    });

    it('tells of an end that was cut off with nothing else changed', async () => {
      const found = await afterwards(
        `DELETE FROM job_events WHERE job_id = $id AND seq > 3 AND type <> 'inferred' OR seq = 6`,
      );
      expect(found).toContain(
        '3 edited: is the newest, but the chain goes on to number 9: its end is missing',
      );
    });

    it('tells of a job whose events are all gone, with its chain or without', async () => {
      expect(await afterwards('DELETE FROM job_events WHERE job_id = $other')).toEqual(
        expect.arrayContaining(['other all 2 events of the job are missing', 'other the job has no event']),
      );
      expect(await afterwards('DELETE FROM event_chains WHERE job_id = $other')).toContain(
        'other the job has no event',
      );
    });

    it('tells of two events that were swapped', async () => {
      const swap = (columns: string) =>
        `UPDATE job_events a SET (${columns}) = (SELECT ${columns.replaceAll(/\w+/g, 'b.$&')} FROM job_events b WHERE b.job_id = $id AND b.seq = 7 - a.seq)
         WHERE a.job_id = $id AND a.seq IN (3, 4)`;
      const found = await afterwards(swap('seq'));
      expect(found).toEqual(expect.arrayContaining([`3 noted: ${MISMATCH}`, `4 edited: ${MISMATCH}`]));
      expect(await afterwards(swap('seq'))).toEqual([]);
      expect(await afterwards(swap('seq, hash'))).toEqual(
        expect.arrayContaining([`3 noted: ${MISMATCH}`, `4 edited: ${MISMATCH}`]),
      );
    });

    it('tells of an event that was given to another job', async () => {
      const found = await afterwards(
        'UPDATE job_events SET job_id = $other, seq = 3 WHERE job_id = $id AND seq = 4',
      );
      expect(found).toEqual(
        expect.arrayContaining([
          '5 regenerated: follows number 3: 1 event before it missing',
          `other 3 noted: ${MISMATCH}`,
          'other 3 noted: is the newest, but the chain ends with number 2',
        ]),
      );
    });

    it('tells of an event that was put in past the trigger', async () => {
      const found = await afterwards(
        `ALTER TABLE job_events DISABLE TRIGGER job_events_chain;
         INSERT INTO job_events (job_id, type, status, revision, actor, seq, hash)
         VALUES ($other, 'claimed', 'human', 1, 'mallory', 3, sha256('forged')), ($other, 'noted', 'human', 1, 'mallory', 2, sha256('forged'));
         ALTER TABLE job_events ENABLE TRIGGER job_events_chain`,
      );
      expect(found).toEqual(
        [
          'other 2 noted: has the number of another event of its job',
          'other 3 claimed: is the newest, but the chain ends with number 2',
          `other 3 claimed: ${MISMATCH}`,
        ].sort(),
      );
    });

    it('tells of a chain head that was changed or dropped', async () => {
      expect(await afterwards(`UPDATE event_chains SET hash = sha256('x') WHERE job_id = $id`)).toEqual([
        '9 decided: is the newest, but its hash is not that of the chain head',
      ]);
      expect(await afterwards('DELETE FROM event_chains WHERE job_id = $id')).toEqual([
        '9 decided: is the newest of a job whose chain head is missing',
      ]);
    });

    it('tells of events of a job that there is not', async () => {
      await store.rows(
        `INSERT INTO job_events (job_id, type, status, revision, actor) VALUES ('00000000-0000-0000-0000-000000000000', 'submitted', 'bot', 0, 'mallory')`,
      );
      expect(await findings(store.database)).toEqual([
        {
          jobId: '00000000-0000-0000-0000-000000000000',
          eventId: null,
          seq: null,
          type: null,
          what: 'there is no such job',
        },
      ]);
    });

    it('tells of a job that is not as its newest event left it', async () => {
      expect(await afterwards(`UPDATE jobs SET revision = 2 WHERE id = $other`)).toEqual([
        'other 2 inferred: left the job in human with revision 1, but it is in human with revision 2',
      ]);
    });

    it.each([
      ['in human', `UPDATE jobs SET response = '"other"' WHERE id = $other`, 'other 2 inferred'],
      [
        'in fail',
        `UPDATE jobs SET response = NULL WHERE id = (SELECT job_id FROM decisions WHERE verdict = 'reject' AND final)`,
        '2 inferred',
      ],
    ])('tells of a response %s that no event tells of', async (_name, sql, event) => {
      const failed = await jobIn(store, 'fail');
      const found = await afterwards(sql);
      expect(found.map((line) => line.replace(`${failed} `, ''))).toEqual([
        `${event}: tells of another response than the job has`,
      ]);
    });

    it('tells of a response from nowhere', async () => {
      await store.desk.decide(aDecision(other, { verdict: 'regenerate' }));
      expect(
        await afterwards(
          `UPDATE jobs SET status = 'fail', response = '1', failure_reason = 'cancelled', finished_at = now(), next_kick_at = NULL WHERE id = $other`,
        ),
      ).toContain('other 3 regenerated: threw the response away, but the job has one');
    });

    it('tells of a replaced response that nobody had made', async () => {
      await store.rows(
        `INSERT INTO job_events (job_id, type, status, revision, actor, data, replaced)
         SELECT id, 'edited', status, revision, 'mallory', jsonb_build_object('response_hash', encode(hitl_content_hash(response), 'hex')), '{"response": "other"}'
         FROM jobs WHERE id = $1`,
        [other],
      );
      expect(await afterwards('SELECT 1')).toEqual([
        'other 3 edited: replaced another response than number 2 tells of',
      ]);
    });

    it.each([
      [`actor = 'mallory'`, 'actor'],
      [`verdict = 'edit'`, 'verdict'],
      [`created_at = created_at + interval '1 microsecond'`, 'time'],
      [`revision = 5`, 'revision'],
      [`reason = 'other'`, 'words'],
      [`submitter_message = ''`, 'words'],
    ])('tells of a decision that was changed: %s', async (change, what) => {
      const [{ decision }] = (await store.rows(
        `SELECT data ->> 'decision_id' AS decision FROM job_events WHERE job_id = $1 AND seq = 9`,
        [id],
      )) as [{ decision: string }];
      expect(await afterwards(`UPDATE decisions SET ${change} WHERE id = '${decision}'`)).toEqual([
        `9 decided: tells something else than the decision ${decision}: ${what}`,
      ]);
    });

    it('tells of a vote that was dropped, and of decisions that no event tells of', async () => {
      const [{ vote }] = (await store.rows(
        'SELECT id AS vote FROM decisions WHERE job_id = $1 AND NOT final AND NOT shadow',
        [id],
      )) as [{ vote: string }];
      expect(await afterwards(`DELETE FROM decisions WHERE id = '${vote}'`)).toEqual([
        `8 voted: tells of the decision ${vote}, which is missing`,
      ]);
      const forged = randomUUID();
      await store.rows(
        `INSERT INTO decisions (id, job_id, revision, verdict, actor) VALUES ($1, $2, 1, 'reject', 'mallory')`,
        [forged, other],
      );
      expect(await findings(store.database, other)).toEqual([
        {
          jobId: other,
          eventId: null,
          seq: null,
          type: null,
          what: `no event tells of the decision ${forged} (reject by mallory)`,
        },
      ]);
    });

    it('tells of a chain that was made anew, by the digest of an earlier verification', async () => {
      const digest = async (position?: string) =>
        (await verifyChains(store.database, () => undefined, position === undefined ? {} : { position }))
          .digest;
      const kept = await digest();
      const position = String(kept.split(':')[0]);
      await store.desk.addNote({ ...SCOPE, id: randomUUID(), jobId: id, actor: 'rob', text: 'later' });
      await jobIn(store, 'bot');
      expect(await digest(position)).toBe(kept);
      expect(await digest()).not.toBe(kept);
      const found = await afterwards(
        `UPDATE job_events SET actor = 'mallory' WHERE job_id = $id AND seq = 4;
         DELETE FROM event_chains WHERE job_id = $id;
         CREATE TRIGGER again BEFORE UPDATE ON job_events FOR EACH ROW EXECUTE FUNCTION hitl_chain_event();
         DO $$ DECLARE event bigint; BEGIN
           FOR event IN SELECT e.id FROM job_events e WHERE e.job_id = $id ORDER BY e.id LOOP
             UPDATE job_events SET seq = NULL WHERE id = event;
           END LOOP; END $$;
         DROP TRIGGER again ON job_events`,
      );
      expect(found).toEqual([]);
      expect(await digest(position)).not.toBe(kept);
    });
  });
});

describe('the chain on PostgreSQL', () => {
  let database: TestDatabase;
  let sources: DataSource[];
  beforeAll(async () => {
    database = await createTestDatabase();
    sources = await Promise.all(
      Array.from({ length: 4 }, () => createDataSource(database.url, 5).initialize()),
    );
  });
  afterAll(async () => {
    await Promise.all(sources.map((source) => source.destroy()));
    await database.drop();
  });

  it('is one line when several processes write to a job at once, even past its lock', async () => {
    const [source] = sources as [DataSource];
    const id = await jobIn(storesOn(source), 'human');
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (sources[index % 4] as DataSource).query(
          `INSERT INTO job_events (job_id, type, status, revision, actor) VALUES ($1, 'noted', 'human', 1, $2), ($1, 'noted', 'human', 1, 'rob')`,
          [id, `writer ${index}`],
        ),
      ),
    );
    const [{ events, last }] = (await database.query(
      'SELECT count(*)::int AS events, max(seq) AS last FROM job_events',
    )) as [{ events: number; last: number }];
    expect([events, last]).toEqual([402, 402]);
    expect(await findings(source)).toEqual([]);
  });

  it('is verified over several batches', async () => {
    const [source] = sources as [DataSource];
    const stores = storesOn(source);
    const ids = await Promise.all(Array.from({ length: 250 }, () => jobIn(stores, 'human')));
    await database.query(`UPDATE job_events SET actor = 'mallory' WHERE job_id = ANY ($1) AND seq = 2`, [
      [ids[0], ids[120], ids[249]],
    ]);
    const found = await findings(source);
    expect(found.map(({ jobId }) => jobId)).toEqual([ids[0], ids[120], ids[249]].sort());
  });
});

describe.each([
  {
    name: 'PostgreSQL',
    empty: async () => {
      const { url, drop } = await createTestDatabase('template0');
      return { open: () => Promise.resolve({ url, close: () => Promise.resolve() }), drop };
    },
  },
  {
    name: 'the embedded database',
    empty: () => {
      const folder = mkdtempSync(join(tmpdir(), 'hitl-audit-'));
      const drop = () => {
        rmSync(folder, { recursive: true, force: true });
        return Promise.resolve();
      };
      return Promise.resolve({ open: () => startEmbeddedDatabase(folder), drop });
    },
  },
])('a filled database from before the chain, on $name', ({ empty }) => {
  let files: Awaited<ReturnType<typeof empty>>;
  let server: EmbeddedDatabase;
  let source: DataSource;
  beforeEach(async () => {
    files = await empty();
  });
  afterEach(async () => {
    await stop();
    await files.drop();
  });
  /** @param without a migration that is left out, as if it had not been written yet */
  async function start(without?: string): Promise<void> {
    server = await files.open();
    source = createDataSource(server.url, 1);
    const migrations = source.options.migrations as { name: string }[];
    source.setOptions({ migrations: migrations.filter(({ name }) => name !== without) as [] });
    await source.initialize();
  }
  async function stop(): Promise<void> {
    if (source.isInitialized) await source.destroy();
    await server.close();
  }

  it('is chained by the migration, and whole', async () => {
    await start('Audit1700000003000');
    // Later migrations grant rights to it, and today's store needs their columns.
    await source.query(
      `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') THEN CREATE ROLE hitl_app NOLOGIN; END IF; END $$`,
    );
    await migrate(source);
    const stores = storesOn(source);
    const ids = [
      await lived(stores),
      await jobIn(stores, 'human'),
      await jobIn(stores, 'success'),
      await jobIn(stores, 'fail'),
    ];
    // As events were before the desk: no hashes, no words.
    await source.query(
      `UPDATE job_events SET data = data - '{response_hash,judged_revision,reason}'::text[] WHERE job_id = $1 OR job_id = $2`,
      [ids[2], ids[3]],
    );
    await stop();

    await start();
    expect((await migrate(source))[0]).toBe('Audit1700000003000');
    expect(await source.query('SELECT current_user AS role')).toEqual([{ role: 'hitl_app' }]);
    expect(await findings(source)).toEqual([]);
    expect(
      await source.query('SELECT seq, type FROM job_events WHERE job_id = $1 ORDER BY seq', [ids[0]]),
    ).toEqual(LIFE.map((type, index) => ({ seq: index + 1, type })));
    await storesOn(source).desk.decide(aDecision(String(ids[1])));
    expect(await findings(source)).toEqual([]);
  });
});

describe("the application's role", () => {
  const user = `clerk_${randomUUID().slice(0, 8)}`;
  let database: TestDatabase;
  const sources: DataSource[] = [];
  beforeEach(async () => {
    database = await createTestDatabase('template0');
    await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'x'`);
  });
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.destroy()));
    await database.query(
      `REASSIGN OWNED BY ${user} TO CURRENT_USER; DROP OWNED BY ${user}; DROP ROLE ${user}`,
    );
    await database.drop();
  });
  async function connect(as?: string): Promise<DataSource> {
    const url = new URL(database.url);
    if (as) [url.username, url.password] = [as, 'x'];
    const source = await createDataSource(url.href, 3).initialize();
    sources.push(source);
    return source;
  }
  const roles = (source: DataSource) =>
    Promise.all(
      [1, 2, 3].map(() => source.query('SELECT current_user AS role, pg_sleep(0.05)::text AS slept')),
    ).then((rows) => rows.flat().map(({ role }: { role: string }) => role));

  it('is what every connection works as', async () => {
    await migrate(await connect());
    expect(await roles(await connect())).toEqual(['hitl_app', 'hitl_app', 'hitl_app']);
  });

  it('is asked for by a user who may not work as it, with the statement that mends it', async () => {
    await migrate(await connect());
    await expect(connect(user)).rejects.toThrow(
      `The database user may not work as the role hitl_app. Have an administrator run: GRANT hitl_app TO ${user};`,
    );
    await database.query(`GRANT hitl_app TO ${user}`);
    const source = await connect(user);
    expect(await roles(source)).toEqual(['hitl_app', 'hitl_app', 'hitl_app']);
    await jobIn(storesOn(source), 'success');
    expect(await findings(source)).toEqual([]);
  });

  it('is asked for by a migrating user who may not hand it on; then holds against the owner of the tables', async () => {
    const [{ name }] = (await database.query('SELECT current_database() AS name')) as [{ name: string }];
    await database.query(`ALTER DATABASE ${name} OWNER TO ${user}`);
    await expect(migrate(await connect(user))).rejects.toThrow(
      `Have an administrator run: CREATE ROLE hitl_app NOLOGIN; GRANT hitl_app TO ${user}; and migrate again.`,
    );
    await database.query(`GRANT hitl_app TO ${user}`);
    const source = await connect(user);
    await migrate(source);
    await expect(source.query('DELETE FROM job_events')).rejects.toMatchObject(REFUSED);
    const [{ owner }] = (await database.query(
      `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'job_events'`,
    )) as [{ owner: string }];
    expect(owner).toBe(user);
  });
});
