/** The original system's name for AMQP_URL, understood as it. */
export const ORIGINAL_AMQP_URL = 'AMQP_ADDR';

const LOCATION = '(URL|URI|DSN|ADDR|ADDRESS|CONNECTION_?STRING|CONNECTION_?URL)';
const MODEL = '(MODEL|OPENAI|OPEN_AI|LLM|AI)';

/** What other programs call what we read. */
const ALIASES: [RegExp, string][] = [
  [new RegExp(`^(DATABASE|DB|POSTGRES|POSTGRESQL|PG|PGSQL)_?${LOCATION}$`), 'DATABASE_URL'],
  [new RegExp(`^(AMQPS?|RABBIT|RABBIT_?MQ|RMQ|BROKER|CLOUDAMQP)_?${LOCATION}$`), 'AMQP_URL'],
  [new RegExp(`^${MODEL}_?(API_?)?(KEY|TOKEN)$`), 'MODEL_API_KEY'],
  [new RegExp(`^${MODEL}_?(API_?)?(BASE|BASE_?UR[LI]|UR[LI]|ENDPOINT)$`), 'MODEL_BASE_URL'],
  [/^(LLM|AI)_PROVIDER$/, 'MODEL_PROVIDER'],
  [/^(MODEL_)?ROUTES_(FILE|PATH)$/, 'MODEL_ROUTES_FILE'],
  [/^(REVIEW_)?POLICY(_FILE|_PATH)?$/, 'REVIEW_POLICY_FILE'],
  [/^WEBHOOKS?_(SIGNING_)?(SECRET|KEY)$/, 'WEBHOOK_SECRET'],
  [/^DATA_?(PATH|FOLDER|DIRECTORY)$/, 'DATA_DIR'],
  [/^(LISTEN|BIND)_?(HOST|ADDR|ADDRESS)$/, 'HOST'],
  [/^(HTTP|SERVER|LISTEN)_?PORT$/, 'PORT'],
  [/^(METRICS|MANAGEMENT_SERVER)_?PORT$/, 'MANAGEMENT_PORT'],
];

/** Shorter names are too like those of other programs for a slip to be told. */
const MIN_GUESSED = 7;

/** The variable of ours for which a name is another program's word. */
export function aliasOf(name: string): string | undefined {
  return ALIASES.find(([pattern]) => pattern.test(name.toUpperCase()))?.[1];
}

/**
 * The variable of ours that a name, which nothing reads, is probably meant to be: another program's word for it, or a
 * slip of a letter (two in a long name), of case or of an underscore.
 * @param known every name that is read
 */
export function meantVariable(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined;
  const plain = name.toUpperCase().replaceAll('_', '');
  const slip = known.find(
    (candidate) =>
      candidate.length >= MIN_GUESSED &&
      distance(plain, candidate.replaceAll('_', '')) <= (candidate.length < 12 ? 1 : 2),
  );
  return aliasOf(name) ?? slip;
}

/**
 * One line for each variable that is set, that nothing reads, and that looks like one of ours which is not set.
 * Values are never shown.
 */
export function unreadVariables(env: Record<string, string | undefined>, known: readonly string[]): string[] {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== '';
  return Object.keys(env).flatMap((name) => {
    if (!isSet(name)) return [];
    if (name === ORIGINAL_AMQP_URL) {
      const both = isSet('AMQP_URL') && env[name] !== env.AMQP_URL;
      return both ? [`${name} is not read, since AMQP_URL is set`] : [];
    }
    const meant = meantVariable(name, known);
    if (meant === undefined || isSet(meant)) return [];
    // Its providers' keys have any names.
    if (meant === 'MODEL_API_KEY' && isSet('MODEL_ROUTES_FILE')) return [];
    return [`${name} is not read: the variable is ${meant} (see .env.example)`];
  });
}

/** How many letters have to be put in, left out, replaced or swapped with the next one. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let steps = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, (before[j - 2] ?? 0) + 1);
      }
      row.push(steps);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? Infinity;
}
