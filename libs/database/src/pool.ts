import { isTransient } from '@hitl/domain';
import { Pool, type ClientBase, type PoolClient, type PoolConfig } from 'pg';
import type { DatabaseClientConfig } from './client';

type Taken = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (destroy?: Error | boolean) => void,
) => void;

/** pg says this of a pool whose connections are all in use: the server has nothing to do with it. */
const ALL_IN_USE = 'timeout exceeded when trying to connect';

/**
 * A pool of connections to the one server of several that takes changes. A connection that cannot be made is tried on the
 * next server. Once a server has refused a change because it is read-only, none of the connections from before is given out
 * again: what they read may be out of date.
 */
export class PrimaryPool extends Pool {
  readonly #servers: string[];
  /** Which server new connections are made to. */
  #at = 0;
  #generation = 0;
  readonly #madeIn = new WeakMap<ClientBase, number>();

  /** @param config `servers` are URLs of one server each */
  constructor({ servers, ...config }: PoolConfig & { servers: string[] }) {
    super({ ...config, connectionString: servers[0] });
    this.#servers = servers;
    this.#options.onReadOnly = () => {
      this.#generation += 1;
    };
    this.on('connect', (client) => this.#madeIn.set(client, this.#generation));
  }

  override connect(): Promise<PoolClient>;
  override connect(taken: Taken): void;
  override connect(taken?: Taken): Promise<PoolClient> | undefined {
    if (taken) {
      this.#take(taken, this.#servers.length);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#take((error, client) => {
        if (client) resolve(client);
        else reject(error ?? new Error('there is no connection'));
      }, this.#servers.length);
    });
  }

  /** @param tries servers that may be tried */
  #take(taken: Taken, tries: number): void {
    const at = this.#at;
    super.connect((error, client, release) => {
      if (client && this.#madeIn.get(client) !== this.#generation) {
        release(true);
        this.#take(taken, tries);
      } else if (error && tries > 1 && isTransient(error) && error.message !== ALL_IN_USE) {
        // Somebody else may have gone on to the next one meanwhile.
        if (this.#at === at) this.#turn();
        this.#take(taken, tries - 1);
      } else {
        taken(error, client, release);
      }
    });
  }

  #turn(): void {
    this.#at = (this.#at + 1) % this.#servers.length;
    this.#options.connectionString = this.#servers[this.#at];
  }

  /** What new connections are made with. */
  get #options(): DatabaseClientConfig {
    return (this as unknown as { options: DatabaseClientConfig }).options;
  }
}
