import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { plainToInstance, Type } from 'class-transformer';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
  validateSync,
  type ValidationError,
} from 'class-validator';
import { LineCounter, parseDocument } from 'yaml';
import { ConfigError } from './config';

const PROVIDER_TYPES = ['openai', 'anthropic', 'http', 'demo'] as const;

export class CircuitBreakerSettings {
  /** Retryable failures in a row that open the circuit. */
  @IsInt()
  @Min(1)
  @Max(1000)
  failures: number = 5;

  /** How long the provider is spared then, in milliseconds. One call tries it first. */
  @IsInt()
  @Min(1)
  @Max(3_600_000)
  reset_ms: number = 30_000;
}

/** Money per million tokens, in any one currency. */
export class Price {
  @IsNumber()
  @Min(0)
  input_per_million: number;

  @IsNumber()
  @Min(0)
  output_per_million: number;
}

class ProviderEntry {
  @IsIn(PROVIDER_TYPES)
  type: (typeof PROVIDER_TYPES)[number];

  /** `openai`, `anthropic`: the API's root. `http`: the exact URL to POST to. `demo` needs none. */
  @ValidateIf(({ type, base_url }: ProviderEntry) => type !== 'demo' || base_url !== undefined)
  @IsUrl(
    { require_tld: false, require_protocol: true, protocols: ['http', 'https'] },
    { message: 'must be an http:// or https:// URL' },
  )
  base_url?: string;

  /** The environment variable that holds the key. */
  @IsOptional()
  @Matches(/^[A-Z][A-Z0-9_]*$/, {
    message: 'must be the name of an environment variable, in capitals: never the key itself',
  })
  api_key_env?: string;

  /** One call may take this long, within MODEL_TIMEOUT_MS for all providers of an attempt. */
  @IsInt()
  @Min(1)
  @Max(540_000)
  timeout_ms: number = 60_000;

  /** Calls that one worker process has under way at once; without it WORKER_CONCURRENCY alone is the bound. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(2000)
  concurrency?: number;

  /** Without it the circuit never opens. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => CircuitBreakerSettings)
  circuit_breaker?: CircuitBreakerSettings;

  /** Sent instead of the payload's `model`, so that one vendor can stand in for another. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  model?: string;

  /** Wins over the price of the models entry. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => Price)
  price?: Price;
}

/** Apart from what a file may hold: the key. */
export interface ProviderSettings extends ProviderEntry {
  /** What `api_key_env` refers to. */
  api_key?: string;
}

export class ModelRoute {
  /** A model's name, or the beginning of names and `*`. */
  @Matches(/^([^*]+\*?|\*)$/, { message: 'must be a name with no * but a last one' })
  name: string;

  /** Names of providers, in the order in which they are tried. */
  @IsArray()
  @ArrayNotEmpty()
  @IsString({ each: true })
  providers: string[];

  /** What a name with a `*` stands for in lists of models. */
  @IsOptional()
  @IsArray()
  @Matches(/^[^*]+$/, { each: true, message: 'must be exact names' })
  offers?: string[];

  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => Price)
  price?: Price;
}

class RoutesFile {
  @IsObject()
  providers: Record<string, unknown>;

  @IsArray()
  @ArrayNotEmpty()
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ModelRoute)
  models: ModelRoute[];
}

/** Which models go to which providers. The first entry of `models` whose name fits decides. */
export interface ModelRoutes {
  providers: Map<string, ProviderSettings>;
  models: ModelRoute[];
}

/** Looks up a secret by its reference; undefined where it is not set. */
export type SecretLookup = (name: string) => string | undefined;

/** Whether a route's name takes a model. A payload without a model fits `*` only. */
export function fits(name: string, model: string | undefined): boolean {
  if (name === '*') return true;
  if (model === undefined) return false;
  return name.endsWith('*') ? model.startsWith(name.slice(0, -1)) : model === name;
}

/**
 * Reads MODEL_ROUTES_FILE.
 * @param secret fills in the providers' keys and makes missing ones a fault
 * @throws ConfigError that lists every fault, without the values
 */
export function readRoutes(path: string, secret: SecretLookup | undefined): ModelRoutes {
  const refuse = (faults: string[]): ConfigError =>
    new ConfigError(
      `MODEL_ROUTES_FILE=${path} cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}\nSee docs/model-routes.md.`,
    );
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw refuse([(error as Error).message]);
  }
  const lines = new LineCounter();
  // Neither the source nor messages that quote it: there may be a key in it.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw refuse(
      document.errors.map(({ code, pos }) => {
        const hint = code === 'BAD_ALIAS' ? ': put names with a * in quotes' : '';
        return `line ${lines.linePos(pos[0]).line}: not YAML or JSON (${code})${hint}`;
      }),
    );
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch {
    throw refuse(['it has an alias (*…) without its anchor: put names with a * in quotes']);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw refuse(['it must hold the keys providers and models']);
  }
  const faults: string[] = [];
  const { providers: given, models } = checked(RoutesFile, content, '', faults);
  const providers = new Map<string, ProviderSettings>();
  for (const [name, entry] of isObject(given) ? Object.entries(given) : []) {
    const at = `providers.${name}`;
    if (!/^[\w-]{1,63}$/.test(name)) faults.push(`${at}: must be named by letters, digits, _ and -`);
    if (!isObject(entry)) {
      faults.push(`${at}: must be an object`);
      continue;
    }
    const provider: ProviderSettings = checked(ProviderEntry, entry, at, faults);
    providers.set(name, provider);
    const key = provider.api_key_env;
    if (
      secret &&
      typeof key === 'string' &&
      !faults.some((fault) => fault.startsWith(`${at}.api_key_env:`))
    ) {
      provider.api_key = secret(key);
      if (provider.api_key === undefined)
        faults.push(`${at}.api_key_env: the environment variable ${key} is not set`);
    }
  }
  if (Array.isArray(models)) faults.push(...faultsBetween(models.filter(isObject), providers));
  if (faults.length > 0) throw refuse(faults);
  return { providers, models };
}

/** What no entry shows alone: names of providers that are not there, and models that never get their turn. */
function faultsBetween(models: ModelRoute[], providers: Map<string, ProviderSettings>): string[] {
  const faults: string[] = [];
  models.forEach(({ name, providers: names, offers }, index) => {
    const at = `models[${index}]`;
    for (const provider of Array.isArray(names) ? names : []) {
      if (typeof provider === 'string' && !providers.has(provider)) {
        faults.push(`${at}.providers: there is no provider ${JSON.stringify(provider)}`);
      }
    }
    if (typeof name !== 'string') return;
    const first = models.findIndex((other) => typeof other.name === 'string' && covers(other.name, name));
    if (first < index) faults.push(`${at}.name: never reached, as models[${first}] takes all of it first`);
    for (const offer of Array.isArray(offers) ? offers : []) {
      if (typeof offer === 'string' && !fits(name, offer)) {
        faults.push(`${at}.offers: ${JSON.stringify(offer)} does not fit ${JSON.stringify(name)}`);
      }
    }
  });
  return faults;
}

/** Whether every model that fits `narrow` fits `wide`. */
function covers(wide: string, narrow: string): boolean {
  return wide === narrow || (wide.endsWith('*') && narrow.startsWith(wide.slice(0, -1)));
}

function checked<T extends object>(type: new () => T, plain: object, at: string, faults: string[]): T {
  const instance = plainToInstance(type, plain, { exposeDefaultValues: true });
  faults.push(...faultsOf(validateSync(instance, { whitelist: true, forbidNonWhitelisted: true }), at));
  return instance;
}

function faultsOf(errors: ValidationError[], path: string): string[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const key = /^\d+$/.test(property) ? `[${property}]` : path === '' ? property : `.${property}`;
    const at = `${path}${key}`;
    const own = Object.entries(constraints).map(
      ([rule, text]) => `${at}: ${rule === 'whitelistValidation' ? 'there is no such key' : text}`,
    );
    return [...own, ...faultsOf(children, at)];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
