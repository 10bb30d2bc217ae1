import { brokerUrls } from './broker-urls';

/**
 * A URL, or a list of brokers, as it may be shown: scheme, host, port and path, without user, password and query,
 * whatever characters these have. `(not shown)` where that cannot be told apart.
 */
export function shownUrl(url: string): string {
  const urls = brokerUrls(url);
  // An entry without a user beside one with a user may be the first half of a URL whose password looks like a list.
  const users = urls.filter((one) => one.includes('@'));
  if (users.length > 0 && users.length < urls.length) return '(not shown)';
  return urls.map(shownOne).join(',');
}

function shownOne(url: string): string {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? [];
  if (scheme === undefined) return '(not shown)';
  // Up to the last @, as a password may hold one, or a slash, unescaped.
  return scheme + (/^[^?#&\s]*/.exec(rest.slice(rest.lastIndexOf('@') + 1))?.[0] ?? '');
}

/** Whether a server that listens on `host` is reached from its own machine only. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}
