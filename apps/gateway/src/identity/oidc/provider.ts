import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '@hitl/config';
import { DomainError } from '@hitl/domain';
import { oidcSettings, type OidcSettings } from '@hitl/service';
import { createRemoteJWKSet, customFetch as keysFetch, errors, jwtVerify, type JWTPayload } from 'jose';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discovery,
  fetchUserInfo,
  refreshTokenGrant,
  ResponseBodyError,
  type Configuration,
  type ClientAuth,
  type TokenEndpointResponse,
} from 'openid-client';
import { claimAt } from './claims';
import { boundedFetch, isAway } from './bounded-fetch';

/** How long one request to the provider may take, in milliseconds. */
const TIMEOUT_MS = 5000;
/** How long the provider is left alone after it failed, or was asked for a key that it does not have, in milliseconds. */
const PAUSE_MS = 5000;
/** How long its keys count, in milliseconds. */
const KEYS_MAX_AGE_MS = 600_000;
/** How far its clock may be from ours, in seconds. */
const CLOCK_SECONDS = 10;
/** Characters of an ID token that an address can carry. */
const MAX_HINT_LENGTH = 6000;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** What belongs to one sign-in, kept in the browser that began it. */
export interface SignInChecks {
  state: string;
  nonce: string;
  verifier: string;
}

/** What the provider says of somebody, and how to ask it again. */
export interface Told {
  claims: JWTPayload;
  idToken: string;
  /** Null: it cannot be asked again. */
  refreshToken: string | null;
}

/** The provider has nothing more to say of somebody: the sign-in there has ended. */
export class SignInEnded extends Error {}

interface Connection {
  configuration: Configuration;
  keys: ReturnType<typeof createRemoteJWKSet>;
}

/** The OpenID provider where people sign in. It may be away at any time: what needs it then answers 503, and comes back by itself. */
@Injectable()
export class Provider implements OnApplicationBootstrap {
  private readonly logger = new Logger('SignIn');
  /** Null: nobody signs in at a provider. */
  readonly settings: OidcSettings | null;
  private connecting?: Promise<Connection>;
  private failedAt = -Infinity;

  constructor(config: Config) {
    this.settings = oidcSettings(config);
  }

  onApplicationBootstrap(): void {
    // It is asked again when somebody signs in.
    if (this.settings) this.connect().catch(() => undefined);
  }

  /** Where a person signs in. @throws DomainError unavailable */
  async signInUrl(redirectUri: string, { state, nonce, verifier }: SignInChecks): Promise<URL> {
    const { configuration } = await this.connect();
    return buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.required.scope,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
  }

  /**
   * Who has come back from there.
   * @param url the address to which they came back, with all that the provider has added
   * @throws DomainError unavailable, unauthenticated
   */
  async signedIn(url: URL, { state, nonce, verifier }: SignInChecks): Promise<Told> {
    const { configuration } = await this.connect();
    return this.asking(async () => {
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier };
      return this.toldBy(await authorizationCodeGrant(configuration, url, checks));
    });
  }

  /** What the provider says now. @throws SignInEnded; DomainError unavailable */
  async askAgain(refreshToken: string, subject: string): Promise<Told> {
    const { configuration } = await this.connect();
    try {
      const told = await this.toldBy(await refreshTokenGrant(configuration, refreshToken), subject);
      return { ...told, refreshToken: told.refreshToken ?? refreshToken };
    } catch (error) {
      // Anything else, such as another secret of the client, says nothing of the person.
      if (error instanceof ResponseBodyError && error.error === 'invalid_grant') {
        throw new SignInEnded(error.error, { cause: error });
      }
      throw error instanceof SignInEnded ? error : this.away(error);
    }
  }

  /** Where to sign out; null: the provider has no such place. */
  async signOutUrl(idToken: string, redirectUri: string): Promise<URL | null> {
    const { configuration } = await this.connect();
    if (!configuration.serverMetadata().end_session_endpoint) return null;
    return buildEndSessionUrl(configuration, {
      post_logout_redirect_uri: redirectUri,
      ...(idToken.length <= MAX_HINT_LENGTH && { id_token_hint: idToken }),
    });
  }

  /** The claims of an access token for the API. @throws DomainError unauthenticated, unavailable */
  async accessToken(token: string): Promise<JWTPayload> {
    const { audience } = this.required;
    if (audience === null) throw refused('The API takes no access tokens here (OIDC_AUDIENCE is not set)');
    return this.verify(token, audience);
  }

  /**
   * Who has signed out at the provider, by its logout token.
   * @throws DomainError unauthenticated for one that is not whole; unavailable
   */
  async logoutToken(token: string): Promise<{ subject: string | null; sid: string | null; at: Date }> {
    const { sub, sid, iat, jti, events, nonce } = await this.verify(token, this.required.clientId, ['iat']);
    const said =
      typeof events === 'object' && events !== null
        ? (events as Record<string, unknown>)[LOGOUT_EVENT]
        : undefined;
    if (typeof said !== 'object' || said === null) throw refused('The token is no logout token');
    if (nonce !== undefined || typeof jti !== 'string')
      throw refused('The logout token has a nonce, or no jti');
    if (typeof sub !== 'string' && typeof sid !== 'string') throw refused('The logout token names nobody');
    return {
      subject: typeof sub === 'string' ? sub : null,
      sid: typeof sid === 'string' ? sid : null,
      at: new Date(Number(iat) * 1000 + CLOCK_SECONDS * 1000),
    };
  }

  private get required(): OidcSettings {
    if (!this.settings) throw new Error('nobody signs in at a provider here');
    return this.settings;
  }

  /** @throws DomainError unauthenticated, unavailable */
  private async verify(
    token: string,
    audience: string,
    requiredClaims = ['sub', 'iat'],
  ): Promise<JWTPayload> {
    const { configuration, keys } = await this.connect();
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: configuration.serverMetadata().issuer,
        audience,
        algorithms: this.required.algorithms,
        requiredClaims: [...requiredClaims, 'exp'],
        clockTolerance: CLOCK_SECONDS,
      });
      if (Number(payload.iat) > Date.now() / 1000 + CLOCK_SECONDS)
        throw refused('The token is from the future');
      return payload;
    } catch (error) {
      if (error instanceof DomainError) throw error;
      const isTrouble =
        isAway(error) ||
        error instanceof errors.JWKSTimeout ||
        error instanceof errors.JWKSInvalid ||
        (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC');
      if (isTrouble) throw this.away(error);
      throw refused(
        `The token is not valid: ${error instanceof errors.JOSEError ? error.message : 'it cannot be read'}`,
      );
    }
  }

  /** @param subject who it must be about */
  private async toldBy(tokens: TokenEndpointResponse, subject?: string): Promise<Told> {
    const { id_token: idToken = '', access_token: accessToken, refresh_token: refreshToken = null } = tokens;
    const { configuration } = await this.connect();
    // The library trusts the connection; the algorithms and the signature are ours to say.
    const claims = idToken === '' ? null : await this.verify(idToken, this.required.clientId);
    const sub = claims?.sub ?? subject;
    if (sub === undefined) throw refused('The provider has sent no ID token');
    if (subject !== undefined && sub !== subject)
      throw new SignInEnded('the provider spoke of another person');
    const isThere = claims !== null && claimAt(claims, this.required.groupsClaim) !== undefined;
    const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
    const more = isThere || !hasMore ? {} : await fetchUserInfo(configuration, accessToken, sub);
    return { claims: { ...more, ...claims, sub }, idToken, refreshToken };
  }

  private async asking(work: () => Promise<Told>): Promise<Told> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DomainError) throw error;
      if (isAway(error)) throw this.away(error);
      const why = error instanceof Error ? error.message : String(error);
      this.logger.warn({ why: why.slice(0, 200), message: 'a sign-in at the provider failed' });
      throw refused(`The provider did not sign you in: ${why.slice(0, 200)}`);
    }
  }

  private connect(): Promise<Connection> {
    if (!this.connecting && performance.now() - this.failedAt < PAUSE_MS) {
      return Promise.reject(unavailable());
    }
    this.connecting ??= this.discover().catch((error: unknown) => {
      this.connecting = undefined;
      this.failedAt = performance.now();
      throw this.away(error);
    });
    return this.connecting;
  }

  private async discover(): Promise<Connection> {
    const { issuer, clientId, clientSecret } = this.required;
    const configuration = await discovery(new URL(issuer), clientId, undefined, proveWith(clientSecret), {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- only marked so, to stand out; OIDC_ISSUER has http: on loopback alone
      execute: issuer.startsWith('http:') ? [allowInsecureRequests] : [],
      timeout: TIMEOUT_MS / 1000,
      [customFetch]: boundedFetch(),
    });
    const { jwks_uri: keysUri } = configuration.serverMetadata();
    if (keysUri === undefined) throw new Error('its metadata has no jwks_uri');
    const keys = createRemoteJWKSet(new URL(keysUri), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: PAUSE_MS,
      cacheMaxAge: KEYS_MAX_AGE_MS,
      [keysFetch]: boundedFetch(PAUSE_MS),
    });
    return { configuration, keys };
  }

  /** The provider is away, and this is why. */
  private away(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    const message = error instanceof Error ? error.message : '';
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    this.logger.warn({
      issuer: this.settings?.issuer,
      why: `${message}${cause}`.slice(0, 300),
      message: 'the provider is away',
    });
    return unavailable();
  }
}

/** Proves who the gateway is as the provider likes it. */
function proveWith(secret: string): ClientAuth {
  const [inBody, inHeader] = [ClientSecretPost(secret), ClientSecretBasic(secret)];
  return (server, ...request) => {
    const takesBody = server.token_endpoint_auth_methods_supported?.includes('client_secret_post');
    (takesBody ? inBody : inHeader)(server, ...request);
  };
}

function unavailable(): DomainError {
  return new DomainError(
    'unavailable',
    'The sign-in provider is away. Try again in a few seconds, or sign in with an API key.',
  );
}

function refused(what: string): DomainError {
  return new DomainError('unauthenticated', `${what}. Sign in again, or send an API key.`);
}
