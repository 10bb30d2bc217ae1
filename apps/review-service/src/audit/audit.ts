import { parseArgs } from 'node:util';
import { loadConfig } from '@hitl/config';
import { assertMigrated, beginSession, createDataSource, startEmbeddedDatabase } from '@hitl/database';
import { isJobId, verifyChains, type ChainFinding } from '@hitl/domain';

const USAGE = `Usage: npm run audit -- verify [--job ID | --digest DIGEST]
  verifies every job's events, decisions and response, or those of one job, in DATABASE_URL, else in DATA_DIR
  --digest  also: whether the events are still those of an earlier verification that printed this
Exits with 0 when everything is whole, 1 when something is not, 2 when it could not be verified.
`;

const DIGEST = /^(?:\d{1,9}-)?\d{1,19}:[0-9a-f]{64}$/;
/** Findings that are printed; the others are counted. */
const PRINTED = 100;
/** Longest time that the verification of one batch may take: its responses may be large. In milliseconds. */
const STATEMENT_TIMEOUT = 600_000;

/** The command `audit`. Answers the exit code. */
export async function audit(args: string[]): Promise<number> {
  const wanted = read(args);
  if (!wanted) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    return await verify(wanted);
  } catch (error) {
    process.stderr.write(`The audit cannot run. ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

interface Wanted {
  job?: string;
  digest?: string;
}

/** What the arguments ask for; undefined when they make no sense. */
function read(args: string[]): Wanted | undefined {
  try {
    const options = { job: { type: 'string' }, digest: { type: 'string' } } as const;
    const { positionals, values } = parseArgs({ args, options, allowPositionals: true });
    const { job, digest } = values;
    if (positionals.join(' ') !== 'verify' || (job !== undefined && digest !== undefined)) return undefined;
    if ((job !== undefined && !isJobId(job)) || (digest !== undefined && !DIGEST.test(digest)))
      return undefined;
    return { ...values };
  } catch {
    return undefined;
  }
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
