import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '@hitl/config';
import { DomainError, ERRORS } from '@hitl/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { rootFrom } from '../http/public-link';
import { setSession, setSignIn, signInOf } from './credential';
import { Identity } from './identity.service';
import { People } from './oidc/people.service';
import { Provider, type SignInChecks } from './oidc/provider';
import { Sealed } from './oidc/sealed';
import { signInPage } from './sign-in-page';

const SIGN_IN_PATH = '/sign-in';
/** Bytes of a form: a key and an address. */
const MAX_FORM_BYTES = 32_768;
/** Where the provider sends browsers back to. */
const CALLBACK_PATH = `${SIGN_IN_PATH}/callback`;
/** How long a person may take at the provider, in milliseconds. */
const SIGN_IN_MS = 600_000;
/** Characters of the address to go on to: a cookie holds few. */
const MAX_NEXT_LENGTH = 1000;

/** What a sign-in that is under way needs again, sealed in the browser that began it. */
type SignInUnderWay = SignInChecks & { next: string };

/** Signs browsers in, with a key or at the provider, and out again; nothing where nobody signs in. */
export async function serveSignIn(app: NestFastifyApplication, config: Config): Promise<void> {
  const identity = app.get(Identity);
  if (!identity.isAsked) return;
  const pages = new SignInPages(config, identity, app.get(Provider), app.get(People), app.get(Sealed));
  await app
    .getHttpAdapter()
    .getInstance()
    .register(async (scope) => {
      scope.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
        (_request, body, done) => {
          done(null, new URLSearchParams(String(body)));
        },
      );
      const isPublic = { config: { isPublic: true } };
      scope.get(SIGN_IN_PATH, isPublic, (request, reply) => pages.ask(request, reply));
      scope.post(SIGN_IN_PATH, isPublic, (request, reply) => pages.withKey(request, reply));
      scope.post('/sign-out', (request, reply) => pages.signOut(request, reply));
      if (app.get(Provider).settings) {
        scope.get(`${SIGN_IN_PATH}/start`, isPublic, (request, reply) => pages.start(request, reply));
        scope.get(CALLBACK_PATH, isPublic, (request, reply) => pages.comeBack(request, reply));
        scope.post(`${SIGN_IN_PATH}/backchannel-logout`, isPublic, (request, reply) =>
          pages.signedOut(request, reply),
        );
      }
      await Promise.resolve();
    });
}

class SignInPages {
  private readonly logger = new Logger('SignIn');

  constructor(
    private readonly config: Config,
    private readonly identity: Identity,
    private readonly provider: Provider,
    private readonly people: People,
    private readonly sealed: Sealed,
  ) {}

  ask(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return this.show(reply, nextOf(request));
  }

  async withKey(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const form = formOf(request);
    const next = form.get('next') ?? '';
    return this.orShow(reply, next, async () => {
      const { credential, caller } = await this.identity.withKey((form.get('key') ?? '').trim());
      if (credential.keyId === null) throw new Error('a key has an id');
      const { token, lifeMs } = await this.identity.openSession(request, credential.keyId);
      setSession(reply, this.config, token, lifeMs);
      this.logger.log({ keyId: credential.keyId, name: caller.name, message: 'signed in' });
      return this.goOn(request, reply, next);
    });
  }

  /** Leads a browser to the provider. */
  async start(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const next = nextOf(request);
    return this.orShow(reply, next, async () => {
      this.identity.requireSafeWay(request);
      const checks = { state: random(), nonce: random(), verifier: random() };
      const url = await this.provider.signInUrl(this.absolute(request, CALLBACK_PATH), checks);
      const kept = { ...checks, next: next.slice(0, MAX_NEXT_LENGTH) } satisfies SignInUnderWay;
      setSignIn(reply, this.config, await this.sealed.seal('sign-in', kept, SIGN_IN_MS), SIGN_IN_MS);
      return reply.header('cache-control', 'no-store').redirect(url.href, 303);
    });
  }

  /** A browser comes back from there. */
  async comeBack(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const kept = signInOf(request, this.config);
    const underWay = kept === null ? null : await this.sealed.open<SignInUnderWay>('sign-in', kept);
    const next = underWay?.next ?? '';
    return this.orShow(reply, next, async () => {
      if (!underWay) {
        throw new DomainError(
          'invalid_request',
          'This sign-in was begun in another browser or more than ten minutes ago. Begin again.',
        );
      }
      // Each can be used once.
      setSignIn(reply, this.config, null);
      const query = request.url.slice(request.url.indexOf('?'));
      const url = new URL(query, this.absolute(request, CALLBACK_PATH));
      const person = await this.people.welcome(await this.provider.signedIn(url, underWay));
      const { token, lifeMs } = await this.identity.openSession(request, person);
      setSession(reply, this.config, token, lifeMs);
      this.logger.log({ name: person.name, roles: person.roles, message: 'signed in' });
      return this.goOn(request, reply, next);
    });
  }

  /** Tells the console where to go to sign out at the provider, too, if anywhere. */
  async signOut(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { credential } = request;
    const idToken = credential?.session ? await this.identity.closeSession(credential.session) : null;
    setSession(reply, this.config, null);
    const url =
      idToken &&
      (await this.provider.signOutUrl(idToken, this.absolute(request, SIGN_IN_PATH)).catch(() => null));
    return url ? reply.send({ url: url.href }) : reply.status(204).send();
  }

  /** The provider tells that somebody has signed out there. */
  async signedOut(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header('cache-control', 'no-store');
    try {
      await this.identity.signedOut(formOf(request).get('logout_token') ?? '');
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'unauthenticated') throw error;
      return reply.status(400).send({ error: 'invalid_request', error_description: error.message });
    }
    return reply.status(200).send();
  }

  private async orShow(
    reply: FastifyReply,
    next: string,
    work: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return this.show(reply.status(ERRORS[error.code].status), next, error.message);
    }
  }

  private show(reply: FastifyReply, next: string, problem?: string): FastifyReply {
    const nonce = randomBytes(16).toString('base64');
    const root = rootFrom(reply.request, this.config.PUBLIC_URL);
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
        // Without any, browsers would send the form's Origin as null.
        'referrer-policy': 'same-origin',
      })
      .send(signInPage(nonce, next, { root, hasProvider: this.provider.settings !== null, problem }));
  }

  private goOn(request: FastifyRequest, reply: FastifyReply, next: string): FastifyReply {
    return reply.header('cache-control', 'no-store').redirect(below(request, this.config, next), 303);
  }

  /** An own address as the provider knows it. */
  private absolute({ protocol, host }: FastifyRequest, path: string): string {
    const { PUBLIC_URL } = this.config;
    return (PUBLIC_URL?.replace(/\/$/, '') ?? `${protocol}://${host}`) + path;
  }
}

function formOf({ body }: FastifyRequest): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams();
}

function nextOf({ query }: FastifyRequest): string {
  const { next = '' } = query as { next?: string | string[] };
  return [next].flat()[0] ?? '';
}

/** 256 bits. */
function random(): string {
  return randomBytes(32).toString('base64url');
}

/** Sends a person's browser to the page that signs in, and from there to where it wanted to go; false: it is no such browser. */
export function leadToSignIn(request: FastifyRequest, reply: FastifyReply, config: Config): boolean {
  const isBrowser = /\btext\/html\b/.test(request.headers.accept ?? '');
  if (!isBrowser || !['GET', 'HEAD'].includes(request.method)) return false;
  const next = encodeURIComponent(request.url.replace(/^\/+/, ''));
  reply.header('cache-control', 'no-store').redirect(below(request, config, `sign-in?next=${next}`), 303);
  return true;
}

/** A place below the console's root, seen from a request's address: never one of another site. */
function below(request: FastifyRequest, config: Config, place: string): string {
  return rootFrom(request, config.PUBLIC_URL) + place.replace(/^[/\\]+/, '').replace(/[\r\n]/g, '');
}
