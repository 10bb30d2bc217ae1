/**
 * A request's address as the routes know it: without the scheme and host of a proxy's absolute form, the sub-path that
 * PUBLIC_URL names, doubled slashes and a trailing one. Queries stay as they are.
 * @param base the sub-path, without a trailing slash; '' for none
 */
export function requestPath(url: string, base: string): string {
  const relative = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = relative.indexOf('?');
  const query = mark === -1 ? '' : relative.slice(mark);
  let path = (mark === -1 ? relative : relative.slice(0, mark)).replace(/\/{2,}/g, '/');
  // A proxy may take the sub-path away, or leave it.
  if (base !== '' && (path === base || path.startsWith(`${base}/`))) path = path.slice(base.length);
  if (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1);
  return (path === '' ? '/' : path) + query;
}

/** The path of PUBLIC_URL without a trailing slash; '' for none. */
export function basePath(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
}
