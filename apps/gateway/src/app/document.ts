import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Config } from '@hitl/config';
import { ERRORS, PERMISSIONS, type ErrorCode } from '@hitl/domain';
import { ALLOWED_EXTENSION } from '@hitl/service';
import { ANTHROPIC_SCHEMAS } from '../anthropic/anthropic.schemas';
import { RESET_EVENT } from '../events/event.dto';
import { ERROR_FORM, PROBLEM_FORM, type ErrorForm } from '../http/error-form';
import { routePath } from '../http/route-table';
import { OPENAI_SCHEMAS } from '../openai/openai.schemas';
import { ORIGINAL_PATHS } from '../original-api/original-routes';
import { decisionSchemas } from '../reviews/decision.dto';
import { WEBHOOK_ITEMS, WEBHOOKS, WebhookMessage, WebhookPing } from '../webhooks/webhook-message.dto';
import { ANY_JSON } from '../http/fields';
import { AnthropicError } from '../openapi/anthropic-error.dto';
import { byStatus, ERROR_CODES, COMMON_ERRORS, usualStatuses } from '../openapi/api-errors';
import { describeHeaders, HEADERS } from '../openapi/headers';
import { OpenAiError } from '../openapi/openai-error.dto';
import { schemasIn, toOpenApi31 } from '../openapi/openapi-3-1';
import { OriginalError } from '../openapi/original-error.dto';
import { Problem } from '../openapi/problem.dto';

type Schemas = Record<string, Record<string, unknown>>;
type Response = { $ref: string } | { description: string; headers?: object; content?: object };
type Operation = Record<string, unknown> & {
  security?: Record<string, string[]>[];
  responses: Record<string, Response>;
  requestBody?: { content: Record<string, { schema: object }> };
};

/**
 * The API's description, as OpenAPI 3.1. Operation ids are the methods' names: short, unique, and what a generated SDK shows.
 * @param publicUrl where clients reach the API
 */
export function createDocument(app: NestFastifyApplication, publicUrl = '/'): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('HITL inference')
    .setDescription('AI requests whose responses are delivered only after a human has approved them.')
    .setVersion('1')
    .setLicense('Apache 2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer(publicUrl)
    .addTag('jobs', 'Submit requests and read their results')
    .addTag('reviews', 'Judge responses before they are delivered')
    .addTag('policies', 'Say who must review, and try it out')
    .addTag('history', 'What became of a response, and why')
    .addTag('events', 'Follow what happens')
    .addTag('openai', 'For OpenAI’s SDKs')
    .addTag('anthropic', 'For Anthropic’s SDKs')
    .addTag('webhooks', 'Get notified of the jobs that end')
    .addTag('webhook messages', 'What webhooks send')
    .addTag('keys', 'Let programs and people in')
    .addTag('learning', 'What reviews teach: training data, decisions and figures')
    .addTag('original', 'The HTTP interface of the original system')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
    extraModels: [Problem, AnthropicError, OpenAiError, OriginalError, WebhookMessage, WebhookPing],
  });
  const components = (document.components ??= {});
  const schemas = (components.schemas ??= {}) as Schemas;
  for (const { name, schema } of [ANY_JSON, RESET_EVENT]) schemas[name] = schema;
  Object.assign(schemas, ANTHROPIC_SCHEMAS, OPENAI_SCHEMAS, decisionSchemas(schemas));
  const usual: Record<string, Response> = {};
  Object.assign(components, {
    headers: HEADERS,
    responses: usual,
    pathItems: WEBHOOK_ITEMS,
    securitySchemes: SECURITY_SCHEMES,
  });
  const operations = Object.values(document.paths).flatMap((methods) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
      method,
      operation,
    })),
  );
  for (const { method, operation } of operations) {
    describeHeaders(operation.responses);
    const { schema, type } =
      (operation[ERROR_FORM] as Pick<ErrorForm, 'schema' | 'type'> | undefined) ?? PROBLEM_FORM;
    const form: [string, string] = [schema, type.split(';', 1)[0] ?? type];
    const own = byStatus((operation[ERROR_CODES] as ErrorCode[] | undefined) ?? []);
    const allowed = (operation[ALLOWED_EXTENSION] ?? []) as string[];
    const isPublic = allowed.includes('public');
    operation.security = isPublic ? [] : securityOf(allowed);
    for (const status of usualStatuses(method, { hasBody: operation.requestBody !== undefined, isPublic })) {
      if (own.has(status)) continue;
      const name = `${form[0]}${status}`;
      usual[name] ??= errorResponse(form, COMMON_ERRORS.get(status) ?? []);
      operation.responses[status] = { $ref: `#/components/responses/${name}` };
    }
    for (const [status, codes] of own) {
      operation.responses[status] = errorResponse(form, [...(COMMON_ERRORS.get(status) ?? []), ...codes]);
    }
    Reflect.deleteProperty(operation, ERROR_CODES);
    Reflect.deleteProperty(operation, ALLOWED_EXTENSION);
    Reflect.deleteProperty(operation, ERROR_FORM);
  }
  closeRequests(
    operations.map(({ operation }) => operation),
    schemas,
  );
  Object.assign(document, { webhooks: WEBHOOKS });
  return toOpenApi31(document);
}

/** How callers say who they are; nothing of it is asked where AUTH_MODE is none. */
const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key: `hitl_<id>_<secret>`; or an access token of the OpenID provider, where people sign in at one',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-hitl-session',
    description:
      'What a browser has after it has signed in at /sign-in; `hitl-session` where that was by plain HTTP on loopback',
  },
} as const;

/** The ways to call an operation, each with what the caller must be allowed. */
function securityOf(allowed: readonly string[]): Record<string, string[]>[] {
  const permissions = allowed.filter((each) => PERMISSIONS.some((known) => known === each));
  return Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: permissions }));
}

/** An error with one of these codes, which have one status. */
function errorResponse([name, type]: [string, string], codes: readonly ErrorCode[]): Response {
  const [code = 'internal_error'] = codes;
  return {
    description: codes.map((each) => `\`${each}\`: ${ERRORS[each].title}.`).join(' '),
    headers: {
      'x-request-id': { $ref: '#/components/headers/RequestId' },
      ...(ERRORS[code].status === 503 && { 'retry-after': { $ref: '#/components/headers/RetryAfter' } }),
    },
    content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
  };
}

/**
 * Says of the objects that are only ever sent to the server that it refuses fields which it does not know, and keeps
 * their defaults in words: as a keyword, generators take a field with a default for one that is always there.
 */
function closeRequests(operations: Operation[], schemas: Schemas): void {
  const bodies = operations.map(({ requestBody }) => requestBody?.content['application/json']?.schema);
  const answered = schemasIn(
    operations.map(({ responses }) => responses),
    schemas,
  );
  for (const name of schemasIn(bodies, schemas)) {
    const schema = schemas[name];
    if (answered.has(name) || schema?.properties === undefined) continue;
    schema.additionalProperties ??= false;
    for (const property of Object.values(schema.properties as Schemas)) {
      if (property.default === undefined) continue;
      const { description = '', default: value } = property as { description?: string; default: unknown };
      property.description = `${description} Default: ${JSON.stringify(value)}.`.trim();
      delete property.default;
    }
  }
}

/** What the page at /docs may load and run: what this server sends, and the style sheets within the page. */
const DOCS_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
};

/** Serves the description at /openapi.json, and a page to browse it at /docs. */
export function serveDocument(
  app: NestFastifyApplication,
  { PUBLIC_URL, ORIGINAL_API, OIDC_ISSUER }: Config,
): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request, reply, done) => {
      if (/^\/docs(\/|$)/.test(routePath(request.url))) reply.headers(DOCS_HEADERS);
      done();
    });
  const make = (): OpenAPIObject => {
    const document = createDocument(app, PUBLIC_URL);
    if (OIDC_ISSUER !== undefined) {
      const openIdConnectUrl = `${OIDC_ISSUER.replace(/\/$/, '')}/.well-known/openid-configuration`;
      Object.assign(document.components?.securitySchemes ?? {}, {
        oidc: { type: 'openIdConnect', openIdConnectUrl },
      });
      // Where a key is taken, so is an access token.
      for (const { security = [] } of Object.values(document.paths).flatMap(
        (path) => Object.values(path) as Operation[],
      )) {
        const permissions = security.find(({ bearer }) => bearer)?.bearer;
        if (permissions) security.push({ oidc: permissions });
      }
    }
    if (ORIGINAL_API === 'off')
      for (const path of ORIGINAL_PATHS) Reflect.deleteProperty(document.paths, path);
    return document;
  };
  SwaggerModule.setup('docs', app, make, { jsonDocumentUrl: 'openapi.json' });
}
