import { expect, it } from '@jest/globals';
import { UsageError } from './arguments';
import { verifyAudit } from './audit';

const ID = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';
const DIGEST = `7:${'0'.repeat(64)}`;

it.each([
  [['all'], '«all» is one too many'],
  [['--job', '7'], '--job 7 is not the id of a job'],
  [['--digest', '7'], '--digest 7 is not what a verification printed'],
  [['--job', ID, '--digest', DIGEST], '--job and --digest exclude each other'],
  [['--all'], "Unknown option '--all'"],
])('the verification refuses what it is not asked with: %j', async (args, message) => {
  await expect(verifyAudit(args)).rejects.toThrow(new UsageError(message));
});
