import { isIP } from 'node:net';
import { Transform } from 'class-transformer';
import { IsInt, Max, Min, ValidateBy } from 'class-validator';
import { unusableBroker } from './broker-urls';
import { shownUrl } from './shown-url';
import { isSigningKey } from './signing-key';

/** Days, a hundred years. */
const MAX_RETENTION_DAYS = 36_500;

/** A whole number written in decimal digits; anything else stays as it is and fails the validation. */
export const Integer = (min: number, max: number): PropertyDecorator => {
  return (target, key) => {
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
    )(target, key);
    IsInt()(target, key);
    Min(min)(target, key);
    Max(max)(target, key);
  };
};

/** `true`, `false`, or a list of IP addresses, networks in CIDR notation, `loopback`, `linklocal` and `uniquelocal`. */
export const TrustedProxies = (): PropertyDecorator =>
  ValidateBy({
    name: 'trustedProxies',
    validator: {
      validate: (value) =>
        typeof value === 'string' && (/^(true|false)$/.test(value) || list(value).every(isNetwork)),
      defaultMessage: () =>
        'must be true, false, or a list of addresses and networks such as loopback, 10.0.0.0/8',
    },
  });

/** A list of origins as browsers send them: scheme, host, and the port where it is not the scheme's own. */
export const Origins = (): PropertyDecorator =>
  ValidateBy({
    name: 'origins',
    validator: {
      validate: (value) => typeof value === 'string' && list(value).every(isOrigin),
      defaultMessage: () =>
        'must be a list of origins such as https://app.example, http://localhost:5173; * is not taken, since any page could then decide',
    },
  });

/** `none`, or a list of the ways in which callers sign in. */
export const AuthModes = (): PropertyDecorator =>
  ValidateBy({
    name: 'authModes',
    validator: {
      validate: (value) =>
        typeof value === 'string' && (value === 'none' || isListOf(value, ['keys', 'oidc'])),
      defaultMessage: () => 'must be keys, oidc, both (keys,oidc), or none',
    },
  });

/** Those of a public key alone: whoever can verify with `none` or a shared secret can sign with it, too. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** A list of algorithms of signatures, as JSON Web Tokens name them. */
export const SigningAlgorithms = (): PropertyDecorator =>
  ValidateBy({
    name: 'signingAlgorithms',
    validator: {
      validate: (value) => typeof value === 'string' && isListOf(value, ALGORITHMS),
      defaultMessage: () => `must be a list of ${ALGORITHMS.join(', ')}`,
    },
  });

/** Days for which contents are kept, as {@link retentionOf} reads them. */
export const Retention = (): PropertyDecorator =>
  ValidateBy({
    name: 'retention',
    validator: {
      validate: (value) => typeof value === 'string' && retentionOf(value) !== null,
      defaultMessage: () =>
        'must be a number of days from 1 to 36500, off, or a list with values for projects such as 365,support=30,legal=off',
    },
  });

/** A private key for Ed25519, as {@link signingKeyOf} reads it. */
export const SigningKey = (): PropertyDecorator =>
  ValidateBy({
    name: 'signingKey',
    validator: {
      validate: (value) => typeof value === 'string' && isSigningKey(value),
      defaultMessage: () =>
        'must be a private Ed25519 key, as PEM or as the base64 of PKCS #8; openssl genpkey -algorithm ed25519 makes one',
    },
  });

/** A list of host names, without scheme and port. */
export const HostNames = (): PropertyDecorator =>
  ValidateBy({
    name: 'hostNames',
    validator: {
      validate: (value) =>
        typeof value === 'string' && list(value).every((name) => /^[a-z\d_]([\w.-]*\w)?$/i.test(name)),
      defaultMessage: () =>
        'must be a list of host names without scheme and port such as desk.example, gateway; * is not taken, since a page of any name could then decide',
    },
  });

/** A broker's URL, or a list of them as {@link brokerUrls} reads it. */
export const BrokerUrls = (): PropertyDecorator =>
  ValidateBy({
    name: 'brokerUrls',
    validator: {
      validate: (value) => typeof value === 'string' && unusableBroker(value) === undefined,
      defaultMessage: (given) =>
        `must be an amqp:// or amqps:// URL, or several with commas between them, each with its own scheme, user, port and virtual host, such as amqp://user:password@a:5672/hitl,amqp://user:password@b:5672/hitl; ${shownUrl(unusableBroker(String(given?.value)) ?? '')} is no such URL`,
    },
  });

/** The entries of a list that is separated by commas or blanks. */
export function list(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== '');
}

/**
 * Days by project, from `365,support=30,legal=off`; the entry without a project has the key ''. Infinity: for ever.
 * @returns null where the text is no such list
 */
export function retentionOf(text: string): Map<string, number> | null {
  const days = new Map<string, number>();
  for (const entry of list(text)) {
    const [, project = '', value] = /^(?:([a-z0-9][a-z0-9-]{0,62})=)?(off|[1-9]\d{0,4})$/.exec(entry) ?? [];
    if (value === undefined || days.has(project) || Number(value) > MAX_RETENTION_DAYS) return null;
    days.set(project, value === 'off' ? Infinity : Number(value));
  }
  return days;
}

function isListOf(text: string, known: readonly string[]): boolean {
  const entries = list(text);
  return entries.length > 0 && entries.every((entry) => known.includes(entry));
}

function isNetwork(text: string): boolean {
  if (/^(loopback|linklocal|uniquelocal)$/.test(text)) return true;
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
