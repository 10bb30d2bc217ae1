import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { DomainError } from '@hitl/domain';
import ipaddr from 'ipaddr.js';

/** Longest URL of a receiver, in characters. */
export const MAX_URL_LENGTH = 2048;

/** Finds every address of a name, as `dns.lookup` does. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** A receiver that may not be called. Its message goes to the author of the URL: it names no address of ours. */
export class DestinationError extends Error {
  override name = 'DestinationError';
}

/**
 * Reads a URL that webhooks may go to: http or https, without credentials or fragment, no private address. What a
 * name resolves to is checked at each connection, see {@link publicOnly}.
 * @param pointer the field that it came in, such as `/url`
 * @param allowPrivate lets private addresses pass (WEBHOOK_ALLOW_PRIVATE)
 * @returns the URL in its normal form, which is what will be called
 * @throws DomainError invalid_request
 */
export function requireWebhookUrl(text: string, pointer: string, allowPrivate: boolean): string {
  const fault = faultOf(text, allowPrivate);
  if (fault !== undefined) {
    throw new DomainError('invalid_request', `${pointer}: ${fault}.`, [{ pointer, detail: fault }]);
  }
  return new URL(text).href;
}

function faultOf(text: string, allowPrivate: boolean): string | undefined {
  if (text.length > MAX_URL_LENGTH) return `is longer than ${MAX_URL_LENGTH} characters`;
  if (!URL.canParse(text)) return 'is not a URL, such as https://example.com/hooks';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must start with https:// or http://';
  if (url.username !== '' || url.password !== '') {
    return 'must not carry a user name or password; check the signature instead';
  }
  if (url.hash !== '' || url.href.endsWith('#')) return 'must not have a fragment (#…)';
  if (!allowPrivate && isPrivateHost(url)) {
    return 'leads to an address that is not public; webhooks may go there only with WEBHOOK_ALLOW_PRIVATE=true';
  }
  return undefined;
}

/** Whether a URL names a private address itself, in whatever notation: the URL's parser has made it the normal one. */
export function isPrivateHost(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return !isPublicAddress(host);
  return /(^|\.)localhost\.?$/.test(host);
}

/** Public on paper, but the virtual machine's own host replies there: Azure's wire server. */
const AZURE_HOST = '168.63.129.16';
/** All public IPv6 addresses are here; so old IPv4-compatible and future ranges need no names. */
const IPV6_GLOBAL = ipaddr.IPv6.parseCIDR('2000::/3');

/** Whether an IP address belongs to the public internet, and leads to no IPv4 address behind a translator. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv6 ? address.match(IPV6_GLOBAL) : address.toString() !== AZURE_HOST;
}

/**
 * A `lookup` for connections that fails unless all addresses of the name are public. The connection is made to the
 * very addresses that were checked, so a name that changes its mind gains nothing.
 */
export function publicOnly(resolve: Resolver = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = error ? [] : addresses;
      if (error) callback(error, []);
      else if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new DestinationError('the name leads to an address that is not public'), []);
      } else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
