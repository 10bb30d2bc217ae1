import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDatabase } from '@hitl/testing';
import pg from 'pg';
import { temporaryFolder } from './support';

const MIB = 1_048_576;
/** A few times what a migrated database takes. */
const SIZE_MIB = 64;

/** What a database that nobody uses yet lies on. */
export interface SmallDisk {
  /** Leaves no room. */
  fill(): unknown;
  /** Makes room again. */
  empty(): unknown;
  /** For after the database is gone. */
  remove(): unknown;
}

/**
 * Moves a database to a disk of its own. Where none can be mounted, which takes root, the database only says what it would
 * say of one that is full.
 */
export async function moveToSmallDisk(database: TestDatabase): Promise<SmallDisk> {
  const folder = temporaryFolder();
  const disk = join(folder.path, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    folder.remove();
    return pretended(database);
  }
  const admin = new URL(database.url);
  const name = admin.pathname.slice(1);
  admin.pathname = '/postgres';
  const run = async (...statements: string[]): Promise<{ data_directory: string }[]> => {
    const client = new pg.Client(admin.href);
    await client.connect();
    try {
      let rows: { data_directory: string }[] = [];
      for (const statement of statements) ({ rows } = await client.query(statement));
      return rows;
    } finally {
      await client.end();
    }
  };
  const [server] = await run('SHOW data_directory');
  const { uid, gid } = statSync(server!.data_directory);
  chownSync(disk, uid, gid);
  await run(
    `CREATE TABLESPACE small_${name} LOCATION '${disk}'`,
    `ALTER DATABASE ${name} SET TABLESPACE small_${name}`,
  );
  const filling = join(disk, 'filling');
  return {
    fill() {
      // Ever smaller pieces, until not even one page of a table fits.
      for (let piece = MIB; piece >= 4096;) {
        try {
          writeFileSync(filling, Buffer.alloc(piece), { flag: 'a' });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          piece /= 16;
        }
      }
    },
    empty() {
      rmSync(filling);
    },
    async remove() {
      await run(`DROP TABLESPACE small_${name}`);
      execFileSync('umount', [disk]);
      folder.remove();
    },
  };
}

function pretended(database: TestDatabase): SmallDisk {
  return {
    fill: () =>
      database.query(
        `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON job_events FOR EACH ROW EXECUTE FUNCTION no_room()`,
      ),
    empty: () => database.query('DROP TRIGGER no_room ON job_events; DROP FUNCTION no_room()'),
    remove: () => undefined,
  };
}
