import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { rootFrom } from '../http/public-link';
import { CONSOLE_PAGES } from './console-pages';

/** What index.html has where each reply's own nonce belongs. */
const NONCE = '__CSP_NONCE__';

/** How index.html names its assets. */
const ASSETS = '="./assets/';

/**
 * Serves the reviewers' page: index.html for each of its addresses, and its assets, which never change under one name.
 * Without a built console the API works as ever, and `/` says what is missing. A console that is built anew meanwhile is
 * the one that a reload gets.
 * @param publicUrl where browsers reach the gateway; unset, the page finds its assets from its own address
 */
export async function serveConsole(app: NestFastifyApplication, publicUrl?: string): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const folder = consoleFolder();
  if (folder === undefined) {
    fastify.get('/', (_request, reply) =>
      reply
        .type('text/plain; charset=utf-8')
        .send('The console is not built: npm run build makes it. The API is here all the same: /docs\n'),
    );
    return;
  }
  const index = join(folder, 'index.html');
  let page = await readFile(index, 'utf8');
  for (const url of CONSOLE_PAGES) {
    fastify.get(url, async (request, reply) => {
      // While a build replaces it, it is away or not whole: the page from before has to do.
      const now = await readFile(index, 'utf8').catch(() => '');
      if (now.includes('</html>')) page = now;
      const root = rootFrom(request, publicUrl);
      const nonce = randomBytes(16).toString('base64');
      return reply
        .headers({
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-cache',
          'content-security-policy': contentSecurityPolicy(nonce),
          'referrer-policy': 'no-referrer',
        })
        .send(page.replaceAll(NONCE, nonce).replaceAll(ASSETS, `="${root}assets/`));
    });
  }
  await fastify.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    decorateReply: false,
    index: false,
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
  });
}

/**
 * Only what this server sends may run, and nothing is loaded from elsewhere: a response that is shown can neither call
 * home nor act. The editor makes its style sheets as it runs; they carry the nonce.
 */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Where the build has put the console: beside the folder of the apps. */
function consoleFolder(): string | undefined {
  const folder = join(import.meta.dirname, '../../console');
  return existsSync(join(folder, 'index.html')) ? folder : undefined;
}
