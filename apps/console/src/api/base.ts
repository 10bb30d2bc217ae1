const [, path = ''] = /^(.*)\/assets\/[^/]*$/.exec(new URL(import.meta.url).pathname) ?? [];

/**
 * Where the console is, without a trailing slash: '' at the root of its server, `/hitl` where a proxy serves it below
 * that path. Told by its own files, which the build puts into `assets/`.
 */
export const BASE = path;
