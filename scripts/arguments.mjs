/** What a script was asked for. Needs nothing installed, so that `--help` answers at once on a fresh clone. */

/**
 * Reads the arguments of a script whose arguments are all words of fixed lists. `--help` prints the usage and ends
 * with 0; an argument that is in no list ends with 2 and says which there are.
 * @param {string} usage
 * @param {{ parts?: readonly string[], options?: readonly string[] }} [known]
 * @returns {{ parts: string[], options: Set<string> }} the parts that were named (all where none was), in the order
 *   of the list
 */
export function readArguments(usage, { parts = [], options = [] } = {}) {
  answerHelp(usage);
  const given = process.argv.slice(2);
  const known = [...parts, ...options];
  const unknown = given.filter((argument) => !known.includes(argument));
  if (unknown.length > 0) {
    const list = known.length > 0 ? `Known are: ${known.join(', ')}.` : 'It takes no arguments.';
    refuse(`«${unknown.join(' ')}» is unknown here. ${list}${meant(unknown[0] ?? '', known)}`, usage);
  }
  const named = parts.filter((part) => given.includes(part));
  return {
    parts: named.length > 0 ? named : [...parts],
    options: new Set(options.filter((option) => given.includes(option))),
  };
}

/**
 * Ends with 0 and the usage where `--help` or `-h` is among the arguments.
 * @param {string} usage
 */
export function answerHelp(usage) {
  if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) return;
  console.log(usage.trim());
  process.exit(0);
}

/**
 * Ends with 2 after saying what is wrong with the arguments.
 * @param {string} fault
 * @param {string} usage
 * @returns {never}
 */
export function refuse(fault, usage) {
  console.error(`${fault}\n\n${usage.trim()}`);
  process.exit(2);
}

/**
 * Asks whether one of the known words was meant; empty where none is near.
 * @param {string} word
 * @param {readonly string[]} known
 */
export function meant(word, known) {
  const near = known
    .map((candidate) => ({ candidate, edits: editsBetween(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.edits - other.edits)[0];
  // Two letters in the wrong order are two edits.
  const most = near && near.candidate.length > 3 ? Math.max(2, near.candidate.length / 3) : 1;
  return near && near.edits <= most ? ` Did you mean ${near.candidate}?` : '';
}

/**
 * How many characters must be put in, left out or replaced to make one word of another.
 * @param {string} from
 * @param {string} to
 */
function editsBetween(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [above, letter] of [...from].entries()) {
    const next = [above + 1];
    for (const [index, other] of [...to].entries()) {
      const replaced = Number(row[index]) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, Number(row[index + 1]) + 1, Number(next[index]) + 1));
    }
    row = next;
  }
  return Number(row[to.length]);
}
