/**
 * A URL as it may be shown: its scheme, host, port and path, without user, password and query, whatever characters
 * these have. `(not shown)` where that cannot be told apart.
 */
export function shownUrl(url: string): string {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? [];
  if (scheme === undefined) return '(not shown)';
  // Up to the last @, as a password may hold one, or a slash, unescaped.
  return scheme + (/^[^?#&\s]*/.exec(rest.slice(rest.lastIndexOf('@') + 1))?.[0] ?? '');
}

/** Whether a server that listens on `host` is reached from its own machine only. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}
