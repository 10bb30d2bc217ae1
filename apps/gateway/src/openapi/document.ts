import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ANY_JSON } from './any-json';
import { isOpenAiRoute } from '../openai/openai-routes';
import { OpenAiError } from './openai-error.dto';
import { Problem } from './problem.dto';

/**
 * The API's description. Operation ids are the methods' names: short, unique, and what a generated SDK shows.
 * @param publicUrl where clients reach the API
 */
export function createDocument(app: NestFastifyApplication, publicUrl = '/'): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('HITL inference')
    .setDescription('AI requests whose answers leave only after a human has signed them off.')
    .setVersion('1')
    .setLicense('Proprietary', 'https://example.com/license')
    .addServer(publicUrl)
    .addTag('jobs', 'Submit requests and read their results')
    .addTag('reviews', 'Judge answers before they leave')
    .addTag('policies', 'Say who must review, and try it out')
    .addTag('history', 'What became of an answer, and why')
    .addTag('events', 'Follow what happens')
    .addTag('openai', 'Doors for OpenAI’s SDKs')
    .addTag('webhooks', 'Be told of the jobs that end')
    .addTag('learning', 'What reviews teach: training data, decisions and figures')
    .addTag('original', 'The HTTP interface of the original system')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
    extraModels: [Problem, OpenAiError],
  });
  Object.assign(document.components?.schemas ?? {}, { [ANY_JSON.name]: ANY_JSON.schema });
  const problem = {
    description: 'An error; docs/errors.md lists the codes',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  const openAiError = {
    description: "An error in OpenAI's form; docs/errors.md lists the codes",
    content: { 'application/json': { schema: { $ref: '#/components/schemas/OpenAiError' } } },
  };
  for (const [path, operations] of Object.entries(document.paths)) {
    if (!path.startsWith('/v1/')) continue;
    for (const operation of Object.values(operations as Record<string, { responses?: object }>)) {
      const error = isOpenAiRoute(path) ? openAiError : problem;
      if (operation.responses) Object.assign(operation.responses, { default: error });
    }
  }
  return document;
}

/** Serves the description at /openapi.json, and a page to browse it at /docs. */
export function serveDocument(app: NestFastifyApplication, publicUrl?: string): void {
  SwaggerModule.setup('docs', app, () => createDocument(app, publicUrl), { jsonDocumentUrl: 'openapi.json' });
}

/** Prints the description of a module's controllers, without a database or a broker: their services are never made. */
export async function printDocument(module: Type): Promise<void> {
  const providers = Reflect.getMetadata('providers', module) as Type[];
  @Module({
    controllers: Reflect.getMetadata('controllers', module) as Type[],
    providers: providers.map((provide) => ({ provide, useValue: {} })),
  })
  class DescribedModule {}
  const app = await NestFactory.create<NestFastifyApplication>(DescribedModule, new FastifyAdapter(), {
    logger: false,
  });
  process.stdout.write(`${JSON.stringify(createDocument(app), null, 2)}\n`);
  await app.close();
}
