import { isQuick, preparedName } from '@hitl/domain';
import { Client, type ClientConfig } from 'pg';

/** Longest time to wait for the answer to a statement without long work, in milliseconds. */
const QUICK_TIMEOUT_MS = 5_000;
/** Characters of parameters above which a statement has long work. */
const QUICK_CHARACTERS = 1_000_000;

/** What a {@link DatabaseClient} takes beside pg's own options. */
export interface DatabaseClientConfig extends ClientConfig {
  /** Told that the server has refused a change because it is read-only. */
  onReadOnly?: () => void;
}

/**
 * Destroys a connection that is of no use any more: after `query_timeout` pg leaves the client connected, still waiting for
 * the lost answer, and its pool hands it out again; and a server that became read-only keeps its connections. Statements
 * with a name (`prepared`) go by it, and those without long work are waited for no longer than for 5 s.
 */
export class DatabaseClient extends Client {
  readonly #onReadOnly: () => void;

  constructor(config: DatabaseClientConfig) {
    super(config);
    this.#onReadOnly = config.onReadOnly ?? (() => undefined);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    // pg's pool passes a callback, TypeORM takes the promise.
    this.query = ((...args: unknown[]) => {
      const [text, values] = args;
      if (typeof text === 'string' && isQuick(text)) {
        args.splice(0, 2, {
          name: preparedName(text),
          text,
          values,
          query_timeout:
            charactersOf(values) > QUICK_CHARACTERS ? 0 : Math.min(QUICK_TIMEOUT_MS, this.#timeout),
        });
      }
      const last = args.length - 1;
      const callback = args[last];
      if (typeof callback === 'function') {
        args[last] = (error: Error | null, result: unknown) => {
          this.#destroyIfUseless(error);
          (callback as (error: Error | null, result: unknown) => void)(error, result);
        };
        return query(...args);
      }
      const answer = query(...args);
      if (answer instanceof Promise) {
        answer.catch((error: unknown) => {
          this.#destroyIfUseless(error);
        });
      }
      return answer;
    }) as typeof this.query;
  }

  /** From now on answers may take as long as they like. Returns what brings the limit back. */
  waitForAnswers(): () => void {
    const usual = this.#timeout;
    this.#parameters.query_timeout = 0;
    return () => {
      this.#parameters.query_timeout = usual;
    };
  }

  get #parameters(): { query_timeout: number } {
    return (this as unknown as { connectionParameters: { query_timeout: number } }).connectionParameters;
  }

  get #timeout(): number {
    return this.#parameters.query_timeout;
  }

  #destroyIfUseless(error: unknown): void {
    if (!(error instanceof Error)) return;
    const isReadOnly = 'code' in error && error.code === '25006';
    if (!isReadOnly && error.message !== 'Query read timeout') return;
    const { connection } = this as unknown as { connection: { stream: { destroy: (error: Error) => void } } };
    connection.stream.destroy(error);
    if (isReadOnly) this.#onReadOnly();
  }
}

/** Characters of texts in a statement's parameters, which are values or lists of them. */
function charactersOf(values: unknown): number {
  if (typeof values === 'string') return values.length;
  if (!Array.isArray(values)) return 0;
  return values.reduce<number>((sum, value) => sum + charactersOf(value), 0);
}
