import { plainToInstance } from 'class-transformer';
import {
  getMetadataStorage,
  IsIn,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  MinLength,
  ValidateIf,
  validateSync,
} from 'class-validator';
import {
  AuthModes,
  BrokerUrls,
  HostNames,
  Integer,
  Origins,
  Retention,
  SigningAlgorithms,
  SigningKey,
  TrustedProxies,
} from './decorators';
import { shownUrl } from './shown-url';
import { aliasOf, meantVariable, ORIGINAL_AMQP_URL, unreadVariables } from './unread-variables';

/**
 * Everything that can be configured: one property per environment variable, with its default.
 * `.env.example` says what each is for. Times are milliseconds unless the name says otherwise.
 */
export class Config {
  /** Address to listen on. Loopback by default; containers set 0.0.0.0. */
  @IsNotEmpty()
  HOST: string = '127.0.0.1';

  /**
   * How callers of the gateway sign in: `keys`, `oidc`, both (`keys,oidc`), or `none` at all. With `oidc` alone, administrators'
   * keys still work. Unset: `none` while HOST is loopback; else it does not start.
   */
  @IsOptional()
  @AuthModes()
  AUTH_MODE?: string;

  /** `true` lets `AUTH_MODE=none` open the gateway to the network. */
  @IsIn(['true', 'false'])
  AUTH_MODE_NONE_ANYWHERE: 'true' | 'false' = 'false';

  /** Hashes keys and sessions: 32 characters or more, the same for every gateway. Unset: one that is made once and kept in the database. */
  @IsOptional()
  @MinLength(32, { message: 'must have 32 characters or more' })
  AUTH_SECRET?: string;

  /** A first key for an administrator: `hitl_`, 16 hexadecimal digits, `_`, and 64 more. */
  @IsOptional()
  @Matches(/^hitl_[0-9a-f]{16}_[0-9a-f]{64}$/, {
    message: 'must be hitl_, 16 hexadecimal digits, _ and 64 more',
  })
  BOOTSTRAP_ADMIN_KEY?: string;

  /** The OpenID provider, exactly as its metadata names it: https://, or http:// on loopback. Needed with `oidc`, as are the next two. */
  @IsOptional()
  @Matches(/^(https:\/\/[^/?#@\s]+|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(\/[^?#\s]*)?$/, {
    message: 'must be an https:// URL without user, query and fragment, or http:// on loopback',
  })
  OIDC_ISSUER?: string;

  /** Under which the provider knows this gateway. */
  @IsOptional()
  @IsString()
  OIDC_CLIENT_ID?: string;

  /** What the gateway proves that with. */
  @IsOptional()
  @IsString()
  OIDC_CLIENT_SECRET?: string;

  /** The audience of the provider's access tokens that the API takes; another one than OIDC_CLIENT_ID. Unset: it takes none. */
  @IsOptional()
  @IsString()
  OIDC_AUDIENCE?: string;

  /** The algorithms with which the provider may sign. */
  @SigningAlgorithms()
  OIDC_ALGORITHMS: string = 'RS256';

  /** What the gateway asks the provider for, with blanks between; `openid` must be among it. */
  @Matches(/^(?=(.* )?openid( |$))[!-~]+( [!-~]+)*$/, {
    message: 'must be scopes with blanks between, openid among them',
  })
  OIDC_SCOPE: string = 'openid profile email';

  /** The claim that names a person at their first sign-in; they keep that name. */
  @IsNotEmpty()
  OIDC_NAME_CLAIM: string = 'preferred_username';

  /** The claim with a person's groups at the provider: a list or a text, by its name or by a path of names with dots between. */
  @IsNotEmpty()
  OIDC_GROUPS_CLAIM: string = 'groups';

  /** What each group at the provider gives: a JSON object such as {"staff":{"role":"reviewer","project":"default","groups":["seniors"]}}. */
  @IsOptional()
  @IsString()
  OIDC_GROUPS?: string;

  /** How old what the provider said of a person may be before it is asked again. */
  @Integer(1000, 3_600_000)
  OIDC_RECHECK_MS: number = 300_000;

  /** `off` takes the routes of the original system away, but for /liveness. */
  @IsIn(['on', 'off'])
  ORIGINAL_API: 'on' | 'off' = 'on';

  /** Port of the app's HTTP server: the API on the gateway, health and metrics on every app. 0 takes a free one. */
  @Integer(0, 65_535)
  PORT: number = 3000;

  /** Port of probes and `/metrics`; PORT then has the probes alone. Unset: both on PORT, where the gateway tells metrics to callers on its own machine only. 0 takes a free one. */
  @IsOptional()
  @Integer(0, 65_535)
  MANAGEMENT_PORT?: number;

  /** Folder of the embedded database; used only while DATABASE_URL is unset. */
  @IsNotEmpty()
  DATA_DIR: string = '.data';

  /** PostgreSQL 15 or newer; several servers are h1:5432,h2:5432, and the one that takes changes is used. Unset: the standalone app uses an embedded database, the others refuse to start. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'must be a postgres:// URL' })
  DATABASE_URL?: string;

  /** Connections that one process keeps to PostgreSQL at most. */
  @Integer(1, 500)
  DATABASE_POOL_SIZE: number = 10;

  /** How old a connection to PostgreSQL may become, so that none outlives a move of the database for long. 0: as old as it likes. */
  @Integer(0, 86_400_000)
  DATABASE_CONNECTION_MAX_AGE_MS: number = 300_000;

  /**
   * RabbitMQ 3.10 or newer: a URL, or those of a cluster's nodes with commas between them. Unset: the standalone app uses
   * an in-process transport, the others refuse to start.
   */
  @IsOptional()
  @BrokerUrls()
  AMQP_URL?: string;

  /** Which provider answers: `demo` (offline, not an LLM), `openai` (any OpenAI-compatible server), `http` (any JSON over POST). */
  @IsIn(['demo', 'openai', 'http'])
  MODEL_PROVIDER: 'demo' | 'openai' | 'http' = 'demo';

  /** `openai`: the API's root, such as https://api.openai.com/v1. `http`: the exact URL to POST to. */
  @ValidateIf((config: Config) => config.MODEL_PROVIDER !== 'demo' || config.MODEL_BASE_URL !== undefined)
  @IsUrl(
    { require_tld: false, require_protocol: true, protocols: ['http', 'https'] },
    { message: 'must be an http:// or https:// URL (MODEL_PROVIDER=openai and =http need it)' },
  )
  MODEL_BASE_URL?: string;

  /** Sent as `Authorization: Bearer …` where set. */
  @IsOptional()
  @IsString()
  MODEL_API_KEY?: string;

  /** One call to the model may take this long. Under 10 minutes, well below RabbitMQ's 30-minute consumer timeout. */
  @Integer(1, 540_000)
  MODEL_TIMEOUT_MS: number = 120_000;

  /** Tries per generated answer, the first included. */
  @Integer(1, 20)
  MODEL_MAX_ATTEMPTS: number = 5;

  /** Back-off before the second try; it doubles with each further one. A provider's Retry-After wins when longer. */
  @Integer(1, 600_000)
  MODEL_RETRY_DELAY_MS: number = 1000;

  /** Which models go to which providers, with fallbacks, limits and prices; replaces the MODEL_ variables above. */
  @IsOptional()
  @IsString()
  MODEL_ROUTES_FILE?: string;

  /** Model calls that one worker process runs at once. */
  @Integer(1, 2000)
  WORKER_CONCURRENCY: number = 64;

  /** How long a worker owns a job without a sign of life; it renews the lease three times in that time. */
  @Integer(500, 600_000)
  WORKER_LEASE_MS: number = 30_000;

  /** How often each process looks for outbox rows that nobody published. */
  @Integer(50, 60_000)
  OUTBOX_POLL_MS: number = 1000;

  /** How often a review service looks for jobs in `bot` that nobody works on, and for due times in `human`. */
  @Integer(50, 60_000)
  RECONCILE_INTERVAL_MS: number = 1000;

  /** How long a reviewer has a job that they claimed, unless they renew the claim. */
  @Integer(1000, 86_400_000)
  REVIEW_CLAIM_MS: number = 300_000;

  /** How long every decision can be undone, at least. Nothing is delivered before; 0: as long as it asks for itself. */
  @Integer(0, 600_000)
  DECISION_UNDO_MS: number = 0;

  /** How often reviewers may send one job back to the model. */
  @Integer(0, 1000)
  MAX_REGENERATIONS: number = 10;

  /** Who must review which answers; unset: one human reviews each. Read again when it changes. */
  @IsOptional()
  @IsString()
  REVIEW_POLICY_FILE?: string;

  /** Days after its end for which the contents of a job are kept: a number, `off` for ever, and `project=…` for single projects, with commas between. Unset: for ever. */
  @IsOptional()
  @Retention()
  RETENTION_DAYS?: string;

  /** Private Ed25519 key that signs exported audit logs: PEM, or the base64 of PKCS #8. Unset: they are not signed. */
  @IsOptional()
  @SigningKey()
  AUDIT_SIGNING_KEY?: string;

  /** Jobs that may wait for the model; above it the gateway answers 503 and stores nothing. */
  @Integer(1, 100_000_000)
  MAX_WAITING_JOBS: number = 100_000;

  /** How long a client that waits for a human is held at most; 0: until the job ends or the client goes. */
  @Integer(0, 86_400_000)
  HOLD_TIMEOUT_MS: number = 0;

  /** After how long a plain answer that only a human keeps back begins with white space, so that nobody cuts it; 0: never. */
  @Integer(0, 3_600_000)
  HOLD_BEAT_MS: number = 240_000;

  /** How long after a held client has gone an identical request gets its job; 0: never. */
  @Integer(0, 86_400_000)
  HOLD_JOIN_MS: number = 600_000;

  /** Signs the webhooks of jobs with a callback_url: `whsec_` and the base64 of 24 to 64 bytes. */
  @IsOptional()
  @Matches(/^whsec_(?=.{32,88}$)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, {
    message: 'must be whsec_ and the base64 of 24 to 64 bytes',
  })
  WEBHOOK_SECRET?: string;

  /** `true` lets webhooks reach loopback and private addresses. */
  @IsIn(['true', 'false'])
  WEBHOOK_ALLOW_PRIVATE: 'true' | 'false' = 'false';

  /** Largest request body, in bytes, also after it was decompressed. */
  @Integer(1024, 104_857_600)
  MAX_BODY_BYTES: number = 20_971_520;

  /** Connections to one process at most; who comes beyond is turned away. */
  @Integer(10, 1_000_000)
  MAX_CONNECTIONS: number = 20_000;

  /** Requests of one API key in a minute, at all gateways together; above it 429, except for reviewers' work; 0: no limit. */
  @Integer(0, 100_000_000)
  MAX_REQUESTS_PER_MINUTE: number = 6000;

  /** Event streams that one address may have open at one gateway. */
  @Integer(1, 1_000_000)
  MAX_STREAMS_PER_CALLER: number = 1000;

  /** Requests of one address that one gateway holds for a human at the same time. */
  @Integer(1, 1_000_000)
  MAX_HOLDS_PER_CALLER: number = 5000;

  /** Where clients reach the gateway when that is not HOST and PORT; a path puts it under a sub-path. */
  @IsOptional()
  @Matches(/^https?:\/\/[^/?#@\s]+(\/[A-Za-z0-9._~-]+)*\/?$/, {
    message:
      'must be an http:// or https:// URL without user, query and fragment, such as https://desk.example/hitl',
  })
  @IsUrl({ require_tld: false }, { message: 'must be a URL' })
  PUBLIC_URL?: string;

  /** The proxies whose X-Forwarded- headers are believed: `loopback`, `true` (any), `false` (none), or addresses and networks. */
  @TrustedProxies()
  TRUST_PROXY: string = 'loopback';

  /** Host names under which the gateway answers, beside localhost, addresses and PUBLIC_URL's. Unset: any, unless HOST is loopback. */
  @IsOptional()
  @HostNames()
  ALLOWED_HOSTS?: string;

  /** Origins whose pages may use the API, beside the console's own. */
  @IsOptional()
  @Origins()
  CORS_ORIGINS?: string;

  /** How long a stopping process finishes what it holds before it lets go. */
  @Integer(0, 600_000)
  SHUTDOWN_GRACE_MS: number = 30_000;

  /** Lowest level that is logged. */
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL: string = 'info';

  /** `json`: one object a line. `pretty`: for a person at a terminal. */
  @IsIn(['json', 'pretty'])
  LOG_FORMAT: 'json' | 'pretty' = 'json';
}

/** The name of every environment variable that is read. */
export const ENVIRONMENT_VARIABLES = getMetadataStorage()
  .getTargetValidationMetadatas(Config, '', false, false)
  .map(({ propertyName }) => propertyName)
  .filter((name, index, names) => names.indexOf(name) === index);

/** Prefixes that belong to this system alone, so that a misspelt name can be told. */
const OWN_PREFIXES = ['MODEL_', 'WORKER_'];

/** The environment does not make a usable configuration; the message lists every fault. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** A value as a message may show it. */
function shown(name: string, value: string | undefined): string {
  if (value === undefined) return '(not set)';
  if (/KEY|SECRET/.test(name)) return '(not shown)';
  return /URL|ADDR/.test(name) ? shownUrl(value) : JSON.stringify(value);
}

/**
 * Reads and validates `env`. Empty values count as unset.
 * @throws ConfigError that names every wrong variable, its value (never that of a secret) and the remedy
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const known = new Set<string>(ENVIRONMENT_VARIABLES);
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => known.has(name) && value !== undefined && value !== ''),
  );
  const original = given.AMQP_URL === undefined ? env[ORIGINAL_AMQP_URL] : undefined;
  if (original) given.AMQP_URL = original;
  const config = plainToInstance(Config, given, { exposeDefaultValues: true });
  const faults = validateSync(config, { forbidUnknownValues: true }).map(({ property, constraints = {} }) => {
    const name = property === 'AMQP_URL' && original ? ORIGINAL_AMQP_URL : property;
    return `${name}=${shown(name, env[name])}: ${Object.values(constraints).join('; ')}`;
  });
  for (const name of Object.keys(env)) {
    // Another program's word is only warned of (unreadVariables): that program may be there, too.
    const own = OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) && aliasOf(name) === undefined;
    if (!own || known.has(name)) continue;
    const meant = meantVariable(name, ENVIRONMENT_VARIABLES);
    faults.push(`${name}: there is no such variable${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  if (faults.length > 0) {
    const unread = unreadVariables(env, ENVIRONMENT_VARIABLES).filter(
      (line) => !faults.some((fault) => fault.split(/[=:]/, 1)[0] === line.split(' ', 1)[0]),
    );
    const lines = [...faults, ...unread].map((line) => `  ${line}`);
    throw new ConfigError(
      `The configuration cannot be used:\n${lines.join('\n')}\nSee .env.example for every variable and its default.`,
    );
  }
  return Object.freeze(config);
}
