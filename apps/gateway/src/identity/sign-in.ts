import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '@hitl/config';
import { DomainError, ERRORS } from '@hitl/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { rootFrom } from '../http/public-link';
import { setSession } from './credential';
import { Identity, SESSION_MS } from './identity.service';
import { signInPage } from './sign-in-page';

const SIGN_IN_PATH = '/sign-in';
/** Bytes of a form: a key and an address. */
const MAX_FORM_BYTES = 32_768;

/** Signs browsers in with a key, and out again; nothing where nobody signs in. */
export async function serveSignIn(app: NestFastifyApplication, config: Config): Promise<void> {
  const identity = app.get(Identity);
  if (!identity.isAsked) return;
  const logger = new Logger('SignIn');
  const fastify = app.getHttpAdapter().getInstance();

  await fastify.register(async (scope) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
      (_request, body, done) => {
        done(null, new URLSearchParams(String(body)));
      },
    );
    const isPublic = { config: { isPublic: true } };
    scope.get<{ Querystring: { next?: string | string[] } }>(SIGN_IN_PATH, isPublic, ({ query }, reply) =>
      showPage(reply, [query.next ?? ''].flat()[0] ?? ''),
    );
    scope.post(SIGN_IN_PATH, isPublic, async (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const next = form.get('next') ?? '';
      try {
        const { credential, caller } = await identity.withKey((form.get('key') ?? '').trim());
        setSession(reply, config, await identity.openSession(request, credential.keyId), SESSION_MS);
        logger.log({ keyId: credential.keyId, name: caller.name, message: 'signed in' });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        return showPage(reply.status(ERRORS[error.code].status), next, error.message);
      }
      return reply.header('cache-control', 'no-store').redirect(below(request, config, next), 303);
    });
    scope.post('/sign-out', async (request, reply) => {
      const { credential } = request;
      if (credential?.session) await identity.closeSession(credential.session);
      setSession(reply, config, null);
      return reply.status(204).send();
    });
    await Promise.resolve();
  });
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

function showPage(reply: FastifyReply, next: string, problem?: string): FastifyReply {
  const nonce = randomBytes(16).toString('base64');
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      // Without any, browsers would send the form's Origin as null.
      'referrer-policy': 'same-origin',
    })
    .send(signInPage(nonce, next, problem));
}
