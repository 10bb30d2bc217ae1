import { randomBytes } from 'node:crypto';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Every } from '@hitl/background';
import { authModes, Config, signsIn } from '@hitl/config';
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
  type Session,
  type SignedIn,
} from '@hitl/domain';
import type { FastifyRequest } from 'fastify';
import { credentialOf, mayHaveSession, rightsText, sentWith, type Credential, type Sent } from './credential';
import { Fresh } from './fresh';
import { LocalCaller, refuseOtherName } from './local-caller';
import { callerOfPerson, People } from './oidc/people.service';
import { Provider } from './oidc/provider';

/** How often it is written when keys were last used, in milliseconds. */
const TOUCH_INTERVAL_MS = 30_000;
/** How often ended sessions are deleted, in milliseconds. */
const SWEEP_INTERVAL_MS = 600_000;
/** How often it is told at most that a key's secret does not fit, in milliseconds. */
const WARN_INTERVAL_MS = 60_000;
/** How long a session lasts at most, in milliseconds. */
export const SESSION_MS = 12 * 3_600_000;
/** The same for a person about whom the provider cannot be asked again. */
const UNCHECKED_SESSION_MS = 3_600_000;
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

/** Who makes a request, and by what they were let in. */
interface Known {
  caller: Caller;
  credential: Credential;
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
  /** Whether people sign in at a provider, and keys are for emergencies. */
  private readonly takesAdminKeysAlone: boolean;
  private readonly keys: Fresh<KnownKey>;
  private readonly sessions: Fresh<Session>;
  private used = { keys: new Map<string, Date>(), sessions: new Map<string, Date>() };
  private warnedAt = -Infinity;
  #hashing?: Hashing;

  constructor(
    private readonly config: Config,
    private readonly local: LocalCaller,
    private readonly keyStore: KeyStore,
    private readonly sessionStore: SessionStore,
    private readonly people: People,
    private readonly provider: Provider,
  ) {
    this.isAsked = signsIn(config);
    this.takesAdminKeysAlone = this.isAsked && authModes(config).join() === 'oidc';
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
    if (this.provider.settings || (await this.keyStore.hasAdmin())) return;
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
    const { caller, credential } = await this.known(sent);
    request.credential = credential;
    refuseOtherName(request, caller);
    return caller;
  }

  private known({ kind, text }: Sent): Promise<Known> {
    if (kind === 'session') return this.withSession(text);
    return kind === 'token' && this.provider.settings ? this.withToken(text) : this.withKey(text);
  }

  /** Who acts with a key. @throws DomainError unauthenticated */
  async withKey(text: string): Promise<Known> {
    const sent = readKey(text);
    const known = sent && (await this.keys.get(sent.id));
    if (!sent || !known || !this.hashing.isHash(known.key.hash, 'key', sent.text)) {
      if (sent && known) this.warnOfHash(sent.id);
      throw unauthenticated('There is no such API key.');
    }
    this.requireUsable(known.key);
    this.used.keys.set(sent.id, new Date());
    return { caller: known.caller, credential: credentialOf({ keyId: sent.id }) };
  }

  private async withToken(text: string): Promise<Known> {
    const { caller, expiresAt } = await this.people.withToken(text);
    return { caller, credential: credentialOf({ tokenEnd: expiresAt, rights: rightsText(caller) }) };
  }

  private async withSession(token: string): Promise<Known> {
    const session = this.hashing.hash('session', token).toString('hex');
    const known = await this.currentSession(session);
    if (!known) throw unauthenticated('The session has ended. Sign in again.');
    const caller = known.keyId === null ? callerOfPerson(known) : await this.callerOfKey(known.keyId);
    this.used.sessions.set(session, new Date());
    if (known.keyId !== null) this.used.keys.set(known.keyId, new Date());
    const rights = known.keyId === null ? rightsText(caller) : '';
    return { caller, credential: credentialOf({ keyId: known.keyId, session, rights }) };
  }

  /** A session that has not ended, with what the provider says now where it is time to ask it. @throws DomainError */
  private async currentSession(session: string): Promise<Session | null> {
    const known = await this.sessions.get(session);
    if (!known || known.expiresAt <= new Date()) return null;
    if (known.keyId !== null) return known;
    if (!this.people.knows(known)) return null;
    if (!this.people.isDue(known)) return known;
    try {
      if (!(await this.people.check(session, known))) return known;
    } catch (error) {
      this.sessions.forget(session);
      throw error;
    }
    this.sessions.forget(session);
    return this.sessions.get(session);
  }

  private async callerOfKey(keyId: string): Promise<Caller> {
    const owner = await this.keys.get(keyId);
    if (!owner) throw unauthenticated('The session has ended. Sign in again.');
    this.requireUsable(owner.key);
    return owner.caller;
  }

  /** Once a minute: with another AUTH_SECRET than that under which they were made, no key fits any more. */
  private warnOfHash(keyId: string): void {
    if (Date.now() - this.warnedAt < WARN_INTERVAL_MS) return;
    this.warnedAt = Date.now();
    this.logger.warn({
      keyId,
      message:
        'a key was sent whose id is known and whose secret does not fit: it is wrong, or AUTH_SECRET is not what it was when the key was made',
    });
  }

  /** @throws DomainError unauthenticated */
  private requireUsable(key: HashedKey): void {
    requireActive(key);
    if (!this.takesAdminKeysAlone || key.role === 'admin') return;
    throw unauthenticated(
      `The API key hitl_${key.id} is not taken: here people sign in at the provider, and administrators' keys alone still work (AUTH_MODE=oidc).`,
    );
  }

  /**
   * Whether what somebody was let in by still lets them in to the same; true also while nobody can be asked. Who may do
   * something else now has to come again.
   */
  async isCurrent({ keyId, session, tokenEnd, rights }: Credential): Promise<boolean> {
    if (tokenEnd !== null) return tokenEnd > new Date();
    try {
      const known = session === null ? undefined : await this.currentSession(session);
      if (known === null) return false;
      if (known?.keyId === null) return rightsText(callerOfPerson(known)) === rights;
      const owner = keyId === null ? null : await this.keys.get(keyId);
      return owner !== null && stateOf(owner.key) === 'active';
    } catch (error) {
      if (isTransient(error)) return true;
      if (error instanceof DomainError) return error.code === 'unavailable';
      throw error;
    }
  }

  /** @throws DomainError invalid_request where a session would travel by plain HTTP beyond this machine */
  requireSafeWay(request: FastifyRequest): void {
    if (!mayHaveSession(request, this.config)) {
      throw new DomainError(
        'invalid_request',
        `Signing in would send secrets over plain HTTP. Use HTTPS: set PUBLIC_URL to the https:// address at which a proxy serves this gateway.`,
      );
    }
  }

  /**
   * Begins a session of whoever has a key, or has signed in at the provider. What the browser had before ends.
   * @param who a key's id, or a person
   * @returns its token, and how long it lasts at most, in milliseconds
   */
  async openSession(
    request: FastifyRequest,
    who: string | SignedIn,
  ): Promise<{ token: string; lifeMs: number }> {
    this.requireSafeWay(request);
    const before = sentWith(request, this.config);
    if (before?.kind === 'session')
      await this.closeSession(this.hashing.hash('session', before.text).toString('hex'));
    const token = randomBytes(32).toString('base64url');
    const lifeMs = typeof who === 'string' || who.canCheck ? SESSION_MS : UNCHECKED_SESSION_MS;
    await this.sessionStore.open(this.hashing.hash('session', token), who, lifeMs);
    return { token, lifeMs };
  }

  /** Another look is taken at a key when it is used next. */
  forgetKey(id: string): void {
    this.keys.forget(id);
  }

  /** @returns the ID token of the person whose session it was; null: it was no person's */
  async closeSession(session: string): Promise<string | null> {
    const tokens = await this.sessionStore.close(session);
    this.sessions.forget(session);
    return tokens === null ? null : this.people.idTokenOf(tokens);
  }

  /** Ends the sessions of somebody who has signed out at the provider. @throws DomainError unauthenticated, unavailable */
  async signedOut(logoutToken: string): Promise<void> {
    const { issuer = '' } = this.provider.settings ?? {};
    const { subject, sid, at } = await this.provider.logoutToken(logoutToken);
    const ended = await this.sessionStore.closeOf({ issuer, subject, sid }, at);
    for (const session of ended) this.sessions.forget(session);
    this.logger.log({ sessions: ended.length, message: 'signed out at the provider' });
  }

  @Every(TOUCH_INTERVAL_MS)
  async touch(): Promise<void> {
    const { used } = this;
    this.used = { keys: new Map(), sessions: new Map() };
    await this.keyStore.touch(used.keys);
    await this.sessionStore.touch(used.sessions);
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
