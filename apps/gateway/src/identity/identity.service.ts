import { randomBytes } from 'node:crypto';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config, signsIn } from '@hitl/config';
import {
  DEFAULT_PROJECT,
  DomainError,
  hashingOf,
  isTransient,
  KeyStore,
  readKey,
  SessionStore,
  stateOf,
  withoutKeys,
  type Caller,
  type HashedKey,
  type Hashing,
} from '@hitl/domain';
import type { FastifyRequest } from 'fastify';
import { mayHaveSession, sentWith, type Credential } from './credential';
import { Fresh } from './fresh';
import { LocalCaller, refuseOtherName } from './local-caller';

/** How often it is written when keys were last used, in milliseconds. */
const TOUCH_INTERVAL_MS = 30_000;
/** How often ended sessions are deleted, in milliseconds. */
const SWEEP_INTERVAL_MS = 600_000;
/** How long a session lasts, in milliseconds. */
export const SESSION_MS = 12 * 3_600_000;
/** What the key of BOOTSTRAP_ADMIN_KEY is. */
const FIRST_KEY = {
  project: DEFAULT_PROJECT,
  owner: 'admin',
  role: 'admin',
  scopes: null,
  expiresAt: null,
  createdBy: 'BOOTSTRAP_ADMIN_KEY',
} as const;

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request was let in by; null: everybody is. */
    credential: Credential | null;
  }
}

/** A key, and who acts with it. */
interface KnownKey {
  key: HashedKey;
  caller: Caller;
}

/** Decides who makes a request: the one place that knows. */
@Injectable()
export class Identity implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Identity.name);
  /** Whether callers must sign in. */
  readonly isAsked: boolean;
  private readonly keys: Fresh<KnownKey>;
  private readonly sessions: Fresh<{ keyId: string; expiresAt: Date }>;
  private used = new Map<string, Date>();
  #hashing?: Hashing;

  constructor(
    private readonly config: Config,
    private readonly local: LocalCaller,
    private readonly keyStore: KeyStore,
    private readonly sessionStore: SessionStore,
  ) {
    this.isAsked = signsIn(config);
    this.keys = new Fresh(async (id) => {
      const key = await keyStore.find(id);
      return key && { key, caller: callerOf(key) };
    });
    this.sessions = new Fresh((hash) => sessionStore.find(hash));
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.isAsked) return;
    const { AUTH_SECRET, BOOTSTRAP_ADMIN_KEY } = this.config;
    this.#hashing = await hashingOf(this.keyStore, AUTH_SECRET);
    const first = BOOTSTRAP_ADMIN_KEY === undefined ? null : readKey(BOOTSTRAP_ADMIN_KEY);
    // One that was revoked stays so.
    if (first && !(await this.keyStore.find(first.id))) {
      const hash = this.hashing.hash('key', first.text);
      const added = await this.keyStore.create({ ...FIRST_KEY, id: first.id, hash });
      if (added) this.logger.log({ keyId: first.id, message: 'added the key of BOOTSTRAP_ADMIN_KEY' });
    }
    if (await this.keyStore.hasAdmin()) return;
    this.logger.warn(
      'Nobody can sign in yet. Create the first key: npm run hitl -- keys create --owner NAME --role admin (in a container: node hitl.js keys create …), or set BOOTSTRAP_ADMIN_KEY.',
    );
  }

  /** How keys and sessions are hashed, once the gateway has started. */
  get hashing(): Hashing {
    if (!this.#hashing) throw new Error('nobody signs in here, or the gateway has not started');
    return this.#hashing;
  }

  /**
   * Who makes a request. To be asked before its body is read, for every address: the console, its assets and the
   * description are no controller's.
   * @throws DomainError unauthenticated; invalid_request for a key in the address, and for another name in x-hitl-actor
   */
  async identify(request: FastifyRequest): Promise<Caller> {
    if (withoutKeys(request.url) !== request.url) {
      throw new DomainError(
        'invalid_request',
        'An API key stands in the address, where proxies and browsers keep it: revoke that key, and send keys in the header Authorization: Bearer alone.',
      );
    }
    if (!this.isAsked) {
      request.credential = null;
      return this.local.of(request);
    }
    const sent = sentWith(request, this.config);
    if (sent === null) {
      throw unauthenticated('Send an API key, in the header Authorization: Bearer or x-api-key, or sign in.');
    }
    const { caller, credential } = await (sent.kind === 'key'
      ? this.withKey(sent.text)
      : this.withSession(sent.text));
    request.credential = credential;
    refuseOtherName(request, caller);
    return caller;
  }

  /** Who acts with a key. @throws DomainError unauthenticated */
  async withKey(text: string): Promise<{ caller: Caller; credential: Credential }> {
    const sent = readKey(text);
    const known = sent && (await this.keys.get(sent.id));
    if (!sent || !known || !this.hashing.isHash(known.key.hash, 'key', sent.text)) {
      throw unauthenticated('There is no such API key.');
    }
    requireActive(known.key);
    this.used.set(sent.id, new Date());
    return { caller: known.caller, credential: { keyId: sent.id, session: null } };
  }

  private async withSession(token: string): Promise<{ caller: Caller; credential: Credential }> {
    const session = this.hashing.hash('session', token).toString('hex');
    const known = await this.sessions.get(session);
    if (!known || known.expiresAt <= new Date())
      throw unauthenticated('The session has ended. Sign in again.');
    const owner = await this.keys.get(known.keyId);
    if (!owner) throw unauthenticated('The session has ended. Sign in again.');
    requireActive(owner.key);
    this.used.set(known.keyId, new Date());
    return { caller: owner.caller, credential: { keyId: known.keyId, session } };
  }

  /** Whether the key or session that let a caller in still does; true also while nobody can be asked. */
  async isCurrent({ keyId, session }: Credential): Promise<boolean> {
    try {
      const known = session === null ? undefined : await this.sessions.get(session);
      if (known === null || (known && known.expiresAt <= new Date())) return false;
      const owner = await this.keys.get(keyId);
      return owner !== null && stateOf(owner.key) === 'active';
    } catch (error) {
      if (isTransient(error)) return true;
      throw error;
    }
  }

  /** Begins a session of a key's owner. @returns its token */
  async openSession(request: FastifyRequest, keyId: string): Promise<string> {
    if (!mayHaveSession(request, this.config)) {
      throw new DomainError(
        'invalid_request',
        `Signing in would send the key over plain HTTP. Use HTTPS: set PUBLIC_URL to the https:// address at which a proxy serves this gateway.`,
      );
    }
    const token = randomBytes(32).toString('base64url');
    await this.sessionStore.open(this.hashing.hash('session', token), keyId, SESSION_MS);
    return token;
  }

  /** Another look is taken at a key when it is used next. */
  forgetKey(id: string): void {
    this.keys.forget(id);
  }

  async closeSession(session: string): Promise<void> {
    await this.sessionStore.close(session);
    this.sessions.forget(session);
  }

  @Every(TOUCH_INTERVAL_MS)
  async touch(): Promise<void> {
    const { used } = this;
    this.used = new Map();
    await this.keyStore.touch(used);
  }

  @Every(SWEEP_INTERVAL_MS)
  async sweep(): Promise<void> {
    if (this.isAsked) await this.sessionStore.sweep();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.touch().catch(() => undefined);
  }
}

function callerOf({ owner, project, role, scopes }: HashedKey): Caller {
  return Object.freeze({ name: owner, project, roles: [role], scopes, groups: [] });
}

/** @throws DomainError unauthenticated */
function requireActive(key: HashedKey): void {
  const state = stateOf(key);
  if (state === 'active') return;
  const since = (state === 'revoked' ? key.revokedAt : key.expiresAt)?.toISOString();
  throw unauthenticated(
    `The API key hitl_${key.id} ${state === 'revoked' ? 'was revoked' : 'expired'} at ${since}. Ask an administrator for another one.`,
  );
}

function unauthenticated(detail: string): DomainError {
  return new DomainError('unauthenticated', detail);
}
