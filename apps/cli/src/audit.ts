import { loadConfig } from '@hitl/config';
import { assertMigrated, beginSession, createDataSource, startEmbeddedDatabase } from '@hitl/database';
import { isJobId, verifyChains, type ChainFinding } from '@hitl/domain';
import { readArguments, UsageError } from './arguments';
import { verifyAuditFile } from './audit-file';

const DIGEST = /^(?:\d{1,9}-)?\d{1,19}:[0-9a-f]{64}$/;
/** Findings that are printed; the others are counted. */
const PRINTED = 100;
/** Longest time that the verification of one batch may take: its responses may be large. In milliseconds. */
const STATEMENT_TIMEOUT = 600_000;

/** `audit verify`: exits with 0 when all is whole, 1 when something is not, 2 when it could not be verified. */
export async function verifyAudit(args: string[]): Promise<number> {
  const { job, digest, file, ...more } = readArguments(args, {
    words: 0,
    options: ['job', 'digest', 'file', 'public-key'],
  }).options;
  if (file !== undefined && (job ?? digest) !== undefined)
    throw new UsageError('--file excludes --job and --digest');
  if (file !== undefined) return verifyAuditFile(file, more['public-key']);
  if (job !== undefined && digest !== undefined)
    throw new UsageError('--job and --digest exclude each other');
  if (job !== undefined && !isJobId(job)) throw new UsageError(`--job ${job} is not the id of a job`);
  if (digest !== undefined && !DIGEST.test(digest))
    throw new UsageError(`--digest ${digest} is not what a verification printed`);
  try {
    return await verify({ ...(job !== undefined && { job }), ...(digest !== undefined && { digest }) });
  } catch (error) {
    process.stderr.write(`The audit cannot run. ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

interface Wanted {
  job?: string;
  digest?: string;
}

async function verify({ job, digest }: Wanted): Promise<number> {
  const { DATABASE_URL, DATA_DIR } = loadConfig();
  const embedded = DATABASE_URL === undefined ? await startEmbeddedDatabase(DATA_DIR) : undefined;
  const database = createDataSource(embedded?.url ?? String(DATABASE_URL), 1);
  // A standby will do.
  const onConnect = (client: Parameters<typeof beginSession>[0]): Promise<void> =>
    beginSession(client, { statementTimeoutMs: STATEMENT_TIMEOUT, readOnly: true });
  database.setOptions({
    extra: { ...(database.options.extra as object), query_timeout: STATEMENT_TIMEOUT, onConnect },
  });
  try {
    await database.initialize();
    await assertMigrated(database);
    let told = 0;
    const verified = await verifyChains(
      database,
      (finding) => {
        told += 1;
        if (told <= PRINTED) process.stdout.write(`${describe(finding)}\n`);
      },
      {
        ...(job !== undefined && { jobId: job.toLowerCase() }),
        ...(digest !== undefined && { position: String(digest.split(':')[0]) }),
      },
    );
    if (told > PRINTED) process.stdout.write(`… and ${told - PRINTED} more\n`);
    const same = digest === undefined || verified.digest === digest;
    if (!same) process.stdout.write(`The events are not those of the digest ${digest}\n`);
    const whole = told === 0 && same;
    const size = `${verified.jobs} jobs, ${verified.events} events`;
    process.stdout.write(
      `${whole ? 'whole' : 'NOT WHOLE'}: ${size}, ${told} findings${job === undefined ? `, digest ${verified.digest}` : ''}\n`,
    );
    return whole ? 0 : 1;
  } finally {
    if (database.isInitialized) await database.destroy();
    await embedded?.close();
  }
}

function describe({ jobId, seq, type, what }: ChainFinding): string {
  return seq === null ? `job ${jobId}: ${what}` : `job ${jobId}, event ${seq} (${String(type)}): ${what}`;
}
