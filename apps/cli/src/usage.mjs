/**
 * The commands, and what they take. Needs nothing that is installed or built: `npm run hitl` answers `--help`, and refuses
 * what it does not know, on a fresh clone.
 */

/**
 * @typedef {'migrate' | 'openapi' | 'policy check' | 'audit verify' | 'keys create' | 'keys list' | 'keys revoke' |
 *   'keys rotate' | 'keys generate'} CommandName
 */

/** @type {Record<CommandName, string>} what comes after `npm run hitl -- `, a line for the list, and the details */
const HELP = {
  migrate: `migrate
  brings the schema of DATABASE_URL up to date
Exits with 0 when it is, 1 when it could not be. Several at once wait for each other.`,
  openapi: `openapi
  prints the description of the HTTP API (openapi.json)`,
  'policy check': `policy check FILE
  prints what the policy in FILE says and what is wrong with it (docs/policies.md)
Exits with 0 when nothing is wrong, 1 when there are faults or warnings, 2 when FILE cannot be read.`,
  'audit verify': `audit verify [--job ID | --digest DIGEST | --file FILE --public-key FILE]
  verifies every job's events, decisions and response, or those of one job, in DATABASE_URL, else in DATA_DIR
  --digest  also: whether the events are still those of an earlier verification that printed this
  --file    instead: an exported day (GET /v1/audit), and the key whose private part has signed it
Exits with 0 when everything is whole, 1 when something is not, 2 when it could not be verified.`,
  'keys create': `keys create --owner NAME --role ROLE [--project NAME] [--scopes LIST] [--days N]
  makes an API key in DATABASE_URL, else in DATA_DIR, and prints it once (docs/security.md)
  --owner    the person or program that acts with it, under this name
  --role     submitter, reviewer, lead, auditor or admin
  --project  whose jobs it reaches; default
  --scopes   what is left of what the role may do, with commas between, such as jobs:write
  --days     after how many days it ends; never
Exits with 2 when it could not be made.`,
  'keys list': `keys list
  prints a line for each API key`,
  'keys revoke': `keys revoke ID
  ends an API key within seconds, with its sessions, streams and held requests
Exits with 0 when it has ended, 1 when there is none, 2 when the database cannot be used.`,
  'keys rotate': `keys rotate ID [--overlap HOURS]
  prints another key in the place of this one, which can be used for 24 HOURS more
Exits with 2 when it cannot be replaced.`,
  'keys generate': `keys generate
  prints a key for BOOTSTRAP_ADMIN_KEY; keeps nothing`,
};

const COMMANDS = /** @type {CommandName[]} */ (Object.keys(HELP));
const ALL = `Usage: npm run hitl -- COMMAND        (in an image: node hitl.js COMMAND)
Commands:
${COMMANDS.map((name) => HELP[name].split('\n', 2).join('\n')).join('\n')}
COMMAND --help says more.`;

/**
 * Which command the words ask for.
 * @param {string[]} words
 * @returns {{ name: CommandName, args: string[] } | { said: string, code: 0 | 2 }} the command, or what is said instead,
 *   and the exit code
 */
export function readCommand(words) {
  const asksForHelp = words.some((word) => word === '--help' || word === '-h');
  const name = COMMANDS.find((command) => command === words.slice(0, command.split(' ').length).join(' '));
  if (asksForHelp) return { said: name ? `Usage: npm run hitl -- ${HELP[name]}` : ALL, code: 0 };
  if (name) return { name, args: words.slice(name.split(' ').length) };
  const asked = words.length === 0 ? 'Say what to do' : `There is no command «${words.join(' ')}»`;
  return { said: `${asked}: ${COMMANDS.join(', ')}. (npm run hitl -- --help)`, code: 2 };
}

/**
 * What a command takes, in one line.
 * @param {CommandName} name
 */
export function usageOf(name) {
  return `Usage: npm run hitl -- ${HELP[name].split('\n', 1).join('')}`;
}
