import { readFileSync } from 'node:fs';
import { field, listOf, mapOf, objectOf } from '@hitl/shapes';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';
import { ConfigError } from './config';
import { YamlFile, type FileFault } from './yaml-file';

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
  @field(objectOf(CircuitBreakerSettings), { optional: true })
  circuit_breaker?: CircuitBreakerSettings;

  /** Sent instead of the payload's `model`, so that one vendor can stand in for another. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  model?: string;

  /** Wins over the price of the models entry. */
  @field(objectOf(Price), { optional: true })
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

  @field(objectOf(Price), { optional: true })
  price?: Price;
}

class RoutesFile {
  @field(mapOf(ProviderEntry))
  providers: Record<string, ProviderEntry>;

  @field(listOf(ModelRoute, 1, Infinity))
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
  const refuse = (faults: FileFault[]): ConfigError => {
    const lines = faults.map(({ pointer, detail }) => `  ${pointer === '' ? '' : `${pointer}: `}${detail}\n`);
    return new ConfigError(
      `MODEL_ROUTES_FILE=${path} cannot be used:\n${lines.join('')}See docs/model-routes.md.`,
    );
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw refuse([{ pointer: '', detail: (error as Error).message }]);
  }
  const file = new YamlFile(text, { hasSecrets: true });
  const { providers: entries = {}, models = [] } = file.read(RoutesFile) ?? {};
  const providers = new Map<string, ProviderSettings>();
  for (const [name, provider] of Object.entries<ProviderSettings>(entries)) {
    const at = ['providers', name];
    if (!/^[\w-]{1,63}$/.test(name)) file.note(at, 'must be named by letters, digits, _ and -');
    providers.set(name, provider);
    const key = provider.api_key_env;
    if (!secret || key === undefined) continue;
    provider.api_key = secret(key);
    if (provider.api_key === undefined) {
      file.note([...at, 'api_key_env'], `the environment variable ${key} is not set`);
    }
  }
  models.forEach((_, index) => noteFaultsBetween(file, models, index, providers));
  if (file.faults.length > 0) throw refuse(file.faults);
  return { providers, models };
}

/** What no entry shows alone: names of providers that are not there, and models that never get their turn. */
function noteFaultsBetween(
  file: YamlFile,
  models: Partial<ModelRoute>[],
  index: number,
  providers: Map<string, unknown>,
): void {
  const { name, providers: names = [], offers = [] } = models[index] ?? {};
  const note = (key: string, detail: string): void => file.note(['models', index, key], detail);
  for (const provider of names) {
    if (!providers.has(provider)) note('providers', `there is no provider ${JSON.stringify(provider)}`);
  }
  if (name === undefined) return;
  const first = models.findIndex((other) => other.name !== undefined && covers(other.name, name));
  if (first < index) note('name', `never reached, as /models/${first} takes all of it first`);
  for (const offer of offers) {
    if (!fits(name, offer)) note('offers', `${JSON.stringify(offer)} does not fit ${JSON.stringify(name)}`);
  }
}
/** Whether every model that fits `narrow` fits `wide`. */
function covers(wide: string, narrow: string): boolean {
  return wide === narrow || (wide.endsWith('*') && narrow.startsWith(wide.slice(0, -1)));
}
