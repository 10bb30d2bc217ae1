import { parseArgs } from 'node:util';

/** A command was asked wrongly; the message says how. */
export class UsageError extends Error {}

/**
 * The words and options of a command.
 * @param words how many words it takes
 * @throws UsageError
 */
export function readArguments<Option extends string>(
  args: string[],
  { words, options }: { words: number; options: readonly Option[] },
): { words: string[]; options: Partial<Record<Option, string>> } {
  try {
    const { positionals, values } = parseArgs({
      args,
      options: Object.fromEntries(options.map((name) => [name, { type: 'string' }] as const)),
      allowPositionals: true,
    });
    if (positionals.length > words) throw new UsageError(`«${String(positionals[words])}» is one too many`);
    if (positionals.length < words) throw new UsageError('Something is missing');
    return { words: positionals, options: values as Partial<Record<Option, string>> };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // Its first sentence says what is wrong, the others how to write a word that looks like an option.
    throw new UsageError((error as Error).message.split(/\.\s/, 1).join(''));
  }
}
