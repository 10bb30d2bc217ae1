import 'reflect-metadata';
import { COMMANDS } from './commands';
import { UsageError } from './arguments';
import { readCommand, usageOf } from './usage.mjs';

// A reader that has gone is no reason to fail.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);

const asked = readCommand(process.argv.slice(2));
if ('said' in asked) {
  process[asked.code === 0 ? 'stdout' : 'stderr'].write(`${asked.said}\n`);
  process.exitCode = asked.code;
} else {
  try {
    const run = await COMMANDS[asked.name]();
    process.exitCode = await run(asked.args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}. ${usageOf(asked.name)}\n`);
    process.exitCode = 2;
  }
}
