/**
 * Names a statement whose text never changes: a connection to PostgreSQL parses and plans it once, which costs more than
 * running it. The embedded database reads the name as a comment.
 */
export function prepared(name: string, sql: string): string {
  return `/* prepared: ${name} */ ${sql}`;
}

/**
 * A list parameter as the planner cannot look into it. Of a short list that it sees, it makes a plan of its own at each call,
 * which costs more than running it.
 */
export function hidden(parameter: string): string {
  return `(SELECT ${parameter})`;
}

/** The name that {@link prepared} gave; undefined for any other statement. */
export function preparedName(sql: string): string | undefined {
  return /^\/\* prepared: ([a-z-]+) \*\//.exec(sql)?.[1];
}

/** Marks a statement without long work: whoever waits for its answer gives it up sooner. Those with a name are marked, too. */
export function quick(sql: string): string {
  return `/* quick */ ${sql}`;
}

/** Whether a statement has a name, or is marked by {@link quick}. */
export function isQuick(sql: string): boolean {
  return sql.startsWith('/* quick */') || preparedName(sql) !== undefined;
}

/** JSON text for a jsonb parameter; null stands for "not given". */
export function jsonOrNull(value: object | null | undefined): string | null {
  return value ? JSON.stringify(value) : null;
}
