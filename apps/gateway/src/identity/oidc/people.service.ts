import { Injectable, Logger } from '@nestjs/common';
import {
  DomainError,
  PersonStore,
  SessionStore,
  type Caller,
  type Rights,
  type Session,
  type SignedIn,
} from '@hitl/domain';
import { namesIn, rightsOf } from './claims';
import { Provider, SignInEnded, type Told } from './provider';
import { Sealed } from './sealed';

/** How long a person may do what the provider said last while it cannot be asked, in milliseconds. */
const MAX_AGE_MS = 3_600_000;
/** How long it is left alone then, in milliseconds. */
const PAUSE_MS = 10_000;
/** People whose names are kept; the one who was named longest ago goes first. */
const MAX_NAMES = 10_000;

/** Who has signed in, with their name and what a session keeps. */
export type Person = SignedIn & { name: string };

/** What a session keeps to ask the provider with. */
interface Tokens {
  idToken: string;
  refreshToken: string | null;
}

/** People who sign in at the provider: their names, and what they may do, as long as it says so. */
@Injectable()
export class People {
  private readonly logger = new Logger('SignIn');
  private readonly names = new Map<string, string>();

  constructor(
    private readonly provider: Provider,
    private readonly sealed: Sealed,
    private readonly people: PersonStore,
    private readonly sessions: SessionStore,
  ) {}

  /** Whether a session's person is one of the provider that is configured now. */
  knows({ person }: Session): boolean {
    return person?.issuer === this.provider.settings?.issuer;
  }

  /** Who has come back from the provider. @throws DomainError forbidden for one whom nothing gives a role here */
  async welcome({ claims, idToken, refreshToken }: Told): Promise<Person> {
    const { caller, subject } = await this.callerOf(claims);
    if (caller.roles.length === 0) {
      throw new DomainError(
        'forbidden',
        `You are signed in as ${caller.name}, but none of your groups at the provider gives you a role here. Ask an administrator.`,
      );
    }
    return {
      ...rights(caller),
      name: caller.name,
      issuer: this.settings.issuer,
      subject,
      sid: typeof claims.sid === 'string' ? claims.sid : null,
      tokens: await this.sealed.seal('tokens', { idToken, refreshToken } satisfies Tokens),
      canCheck: refreshToken !== null,
    };
  }

  /** Who sends an access token, and until when. @throws DomainError unauthenticated, unavailable */
  async withToken(token: string): Promise<{ caller: Caller; subject: string; expiresAt: Date }> {
    const claims = await this.provider.accessToken(token);
    return { ...(await this.callerOf(claims)), expiresAt: new Date(Number(claims.exp) * 1000) };
  }

  /** Whether the provider has to be asked about a session again. */
  isDue({ checkedAt }: Session): boolean {
    return checkedAt !== null && Date.now() - checkedAt.getTime() > this.settings.recheckMs;
  }

  /**
   * Asks the provider what the person may do now, unless another gateway does: whoever asks at that moment gets what was
   * known before.
   * @returns whether there is something new to read
   * @throws DomainError unauthenticated where the sign-in has ended; unavailable where the provider has been away for too long
   */
  async check(hash: string, { person, checkedAt }: Session): Promise<boolean> {
    const sealed = person && (await this.sessions.beginCheck(hash, this.settings.recheckMs));
    if (!sealed) {
      requireYoung(checkedAt);
      return false;
    }
    try {
      const { refreshToken, idToken } = (await this.sealed.open<Tokens>('tokens', sealed)) ?? {};
      if (!refreshToken) throw new SignInEnded('its tokens cannot be read');
      const told = await this.provider.askAgain(refreshToken, person.subject);
      const tokens: Tokens = { idToken: told.idToken || (idToken ?? ''), refreshToken: told.refreshToken };
      await this.sessions.endCheck(hash, {
        ...rightsOf(told.claims, this.settings),
        tokens: await this.sealed.seal('tokens', tokens),
      });
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'unavailable') {
        await this.sessions.putOffCheck(hash, PAUSE_MS);
        requireYoung(checkedAt);
        return false;
      }
      if (!(error instanceof SignInEnded) && !(error instanceof DomainError)) throw error;
      await this.sessions.close(hash);
      this.logger.log({
        name: person.name,
        why: error.message,
        message: 'the sign-in ended at the provider',
      });
      throw new DomainError('unauthenticated', 'Your sign-in at the provider has ended. Sign in again.');
    }
  }

  /** The ID token that a session was opened with; null: there is none to be read. */
  async idTokenOf(sealed: string): Promise<string | null> {
    return (await this.sealed.open<Tokens>('tokens', sealed))?.idToken || null;
  }

  private get settings() {
    const { settings } = this.provider;
    if (!settings) throw new Error('nobody signs in at a provider here');
    return settings;
  }

  private async callerOf(claims: Told['claims']): Promise<{ caller: Caller; subject: string }> {
    const subject = String(claims.sub);
    const name =
      this.names.get(subject) ??
      (await this.people.nameOf({ issuer: this.settings.issuer, subject }, namesIn(claims, this.settings)));
    this.names.delete(subject);
    this.names.set(subject, name);
    const [oldest] = this.names.keys();
    if (this.names.size > MAX_NAMES && oldest !== undefined) this.names.delete(oldest);
    return { caller: personCaller(name, rightsOf(claims, this.settings)), subject };
  }
}

/** Whose session it is, where nobody has signed in with a key. */
export function callerOfPerson({ person }: Session): Caller {
  if (!person) throw new Error('a session without a key is a person’s');
  return personCaller(person.name, person);
}

function personCaller(name: string, { project, roles, groups }: Rights): Caller {
  return Object.freeze({ name, project, roles, scopes: null, groups });
}

function rights({ project, roles, groups }: Caller): Rights {
  return { project, roles: [...roles], groups: [...groups] };
}

/** @throws DomainError unavailable */
function requireYoung(checkedAt: Date | null): void {
  if (checkedAt === null || Date.now() - checkedAt.getTime() < MAX_AGE_MS) return;
  throw new DomainError(
    'unavailable',
    'The sign-in provider has been away for an hour, so it is not known whether you may still do this. Try again later.',
  );
}
