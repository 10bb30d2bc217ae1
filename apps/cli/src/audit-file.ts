import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AuditLog, isSigned, type AuditDigest } from '@hitl/domain';
import { UsageError } from './arguments';

/** Faults that are printed; the others are counted. */
const PRINTED = 100;

/** What of an event's line is looked at. */
interface Line {
  job_id: string;
  seq: number;
  at: string;
  digest?: AuditDigest;
}

/**
 * `audit verify --file`: whether an exported day is as it was signed, and no event of it is missing. Needs no database. Exits
 * as {@link verifyAudit}.
 */
export async function verifyAuditFile(path: string, keyPath: string | undefined): Promise<number> {
  if (keyPath === undefined) throw new UsageError('--file needs --public-key');
  try {
    const publicKey = readFileSync(keyPath, 'utf8');
    const { faults, digest } = await read(path);
    if (!digest) faults.push('The last line is no digest: the file is not whole');
    else if (!isSigned(digest, publicKey)) {
      faults.push(
        digest.signature === null ? 'The digest is not signed' : 'The digest is not signed with this key',
      );
    }
    for (const fault of faults.slice(0, PRINTED)) process.stdout.write(`${fault}\n`);
    if (faults.length > PRINTED) process.stdout.write(`… and ${faults.length - PRINTED} more\n`);
    const of = digest ? `: ${digest.events} events of the project ${digest.project} on ${digest.date}` : '';
    process.stdout.write(`${faults.length === 0 ? 'whole' : 'NOT WHOLE'}${of}\n`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(
      `The file cannot be verified. ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 2;
  }
}

async function read(path: string): Promise<{ faults: string[]; digest: AuditDigest | null }> {
  const faults: string[] = [];
  const log = new AuditLog({ project: '', date: '' });
  const newest = new Map<string, number>();
  let digest: AuditDigest | null = null;
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number += 1;
    if (digest) faults.push(`Line ${number} comes after the digest`);
    const line = parse(text);
    if (!line) {
      faults.push(`Line ${number} is no event`);
    } else if (line.digest) {
      digest = line.digest;
      const { events, sha256 } = log.digest(null);
      if (digest.events !== events)
        faults.push(`The digest is over ${digest.events} events, the file has ${events}`);
      if (digest.sha256 !== sha256) faults.push('The events are not those of the digest');
      continue;
    } else {
      const before = newest.get(line.job_id);
      if (before !== undefined && line.seq !== before + 1) {
        faults.push(`Line ${number}: event ${line.seq} of job ${line.job_id} follows number ${before}`);
      }
      newest.set(line.job_id, line.seq);
    }
    log.add(`${text}\n`, 1);
  }
  return { faults, digest };
}

function parse(text: string): Line | null {
  try {
    const line = JSON.parse(text) as Partial<Line> | null;
    const isEvent = typeof line?.job_id === 'string' && typeof line.seq === 'number';
    return isEvent || line?.digest ? (line as Line) : null;
  } catch {
    return null;
  }
}
