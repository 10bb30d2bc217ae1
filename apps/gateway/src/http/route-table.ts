import { Injectable } from '@nestjs/common';
import { ConfigError } from '@hitl/config';
import { basePath } from '@hitl/service';
import type { FastifyInstance } from 'fastify';

/** Every address that the gateway serves and its methods, so that a wrong method can be distinguished from a wrong address. */
@Injectable()
export class RouteTable {
  readonly #methods = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  /** Learns the routes that are added from now on. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      const route = this.#methods.get(url) ?? { pattern: toPattern(url), methods: new Set() };
      for (const one of [method].flat()) route.methods.add(one);
      this.#methods.set(url, route);
    });
  }

  /**
   * The methods that an address has, in alphabetical order; none where nothing is. An address that a route names in full is
   * that route's alone, whatever parameters of others would take it.
   * @param path without a query
   */
  methodsOf(path: string): string[] {
    const named = this.namedIn(path);
    if (named) return named;
    const methods = [...this.#methods.values()].flatMap((route) =>
      route.pattern.test(path) ? [...route.methods] : [],
    );
    return [...new Set(methods)].sort();
  }

  /** The methods of the route that is named in full by a path; undefined: there is none. */
  namedIn(path: string): string[] | undefined {
    const methods = this.#methods.get(path)?.methods;
    return methods && [...methods].sort();
  }

  /**
   * Checks that the sub-path of PUBLIC_URL can be distinguished from the gateway's own addresses.
   * @throws ConfigError
   */
  requireFree(publicUrl: string | undefined): void {
    const [, first = ''] = basePath(publicUrl).split('/', 2);
    const taken = [...this.#methods.keys()].some((url) => url.split('/', 2)[1] === first);
    if (first === '' || !taken) return;
    throw new ConfigError(
      `PUBLIC_URL: its path begins with /${first}, which is one of the gateway's own addresses. Choose another sub-path, such as /hitl.`,
    );
  }
}

/** The path of a request's address as routes are found by it. */
export function routePath(url: string): string {
  const [path = ''] = url.split('?', 1);
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** A route's pattern as Fastify writes it: `:name` is one segment, `*` is any rest. */
function toPattern(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replace(/\*/g, '.*');
  return new RegExp(`^${source}$`);
}
