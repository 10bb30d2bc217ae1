import { ConfigError, shownUrl } from '@hitl/config';

/** Values of `target_session_attrs` that say what is done anyway: to work with the server that takes changes. */
const KNOWN_TARGETS = ['read-write', 'primary'];

/**
 * The servers that DATABASE_URL names, as one URL each, in its order: `postgres://u:p@h1:5432,h2:5433/db` names two.
 * @throws ConfigError that names DATABASE_URL, its value without secrets, what is wrong, and the remedy
 */
export function serversOf(url: string): string[] {
  const target = /[?&]target_session_attrs=([^&#]*)/.exec(url)?.[1];
  if (target !== undefined && !KNOWN_TARGETS.includes(target)) {
    throw new ConfigError(
      `DATABASE_URL=${shownUrl(url)} cannot be used: target_session_attrs=${target.slice(0, 40)} is not known here. Write target_session_attrs=read-write, or leave it out: a server that takes no changes is never used.`,
    );
  }
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+:\/\/)([^/?#]*)(.*)$/is.exec(url) ?? [];
  const at = authority.lastIndexOf('@') + 1;
  const hosts = authority.slice(at).split(',');
  if (hosts.length === 1) return [url];
  if (hosts.includes('')) {
    throw new ConfigError(
      `DATABASE_URL=${shownUrl(url)} cannot be used: a host of its list is empty. Write them as h1:5432,h2:5432.`,
    );
  }
  return hosts.map((host) => scheme + authority.slice(0, at) + host + rest);
}
