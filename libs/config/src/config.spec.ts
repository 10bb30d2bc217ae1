import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage } from 'class-validator';
import { parse } from 'yaml';
import { Config, ConfigError, ENVIRONMENT_VARIABLES, readConfig } from './config';

/** Without the class, so that the values alone are compared. */
const plain = (config: Config): object => Object.assign({}, config);
const DEFAULTS = plain(new Config());

const refusal = (env: Record<string, string>): string => {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('it was accepted');
};

describe('the configuration', () => {
  it('is the defaults for an empty environment, and cannot be changed', () => {
    const config = readConfig({});
    expect(plain(config)).toEqual(DEFAULTS);
    expect(config).toMatchObject({ HOST: '127.0.0.1', PORT: 3000, MODEL_PROVIDER: 'demo' });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes numbers as numbers and leaves the rest at its default', () => {
    expect(plain(readConfig({ PORT: '0', WORKER_CONCURRENCY: '8' }))).toEqual({
      ...DEFAULTS,
      PORT: 0,
      WORKER_CONCURRENCY: 8,
    });
  });

  it('counts an empty value as unset', () => {
    const empty = Object.fromEntries(ENVIRONMENT_VARIABLES.map((name) => [name, '']));
    expect(plain(readConfig(empty))).toEqual(DEFAULTS);
  });

  it('ignores variables of other programs', () => {
    expect(plain(readConfig({ PATH: '/bin', HOSTNAME: 'x', constructor: 'x' }))).toEqual(DEFAULTS);
  });

  it('is refused with every fault in one message, which says where to read on', () => {
    const message = refusal({ PORT: '99999', MODEL_PROVIDER: 'gpt', LOG_LEVEL: 'loud', WORKER_SIZE: '1' });
    expect(message).toContain('PORT="99999": PORT must not be greater than 65535');
    expect(message).toContain('MODEL_PROVIDER="gpt": MODEL_PROVIDER must be one of the following values');
    expect(message).toContain('LOG_LEVEL="loud"');
    expect(message).toContain('WORKER_SIZE: there is no such variable');
    expect(message).toContain('See .env.example');
  });

  it.each([
    ['PORT', '-1'],
    ['PORT', '80a'],
    ['PORT', '1e3'],
    ['PORT', ' 80'],
    ['PORT', '9'.repeat(400)],
    ['WORKER_CONCURRENCY', '0'],
    ['MODEL_TIMEOUT_MS', '540001'],
    ['MODEL_MAX_ATTEMPTS', '1.5'],
    ['LOG_FORMAT', 'xml'],
    ['DATABASE_URL', 'mysql://x'],
    ['AMQP_URL', 'localhost'],
    ['MODEL_BASE_URL', 'ftp://x'],
  ])('refuses %s=%s by its name', (name, value) => {
    expect(refusal({ [name]: value })).toContain(`\n  ${name}=`);
  });

  it.each(['MODEL_NAME', 'WORKER_CONCURENCY'])('refuses %s, which nothing would read', (name) => {
    expect(refusal({ [name]: 'x' })).toContain(`${name}: there is no such variable`);
  });

  it('says which variable a misspelt one is meant to be', () => {
    expect(refusal({ WORKER_CONCURENCY: '8' })).toContain('did you mean WORKER_CONCURRENCY?');
    expect(refusal({ PORT: 'x', DATABASE_URI: 'y' })).toContain(
      'DATABASE_URI is not read: the variable is DATABASE_URL',
    );
  });

  it('understands AMQP_ADDR, as the original system has it, where AMQP_URL is not set', () => {
    expect(readConfig({ AMQP_ADDR: 'amqp://a', AMQP_URL: '' }).AMQP_URL).toBe('amqp://a');
    expect(readConfig({ AMQP_ADDR: 'amqp://a', AMQP_URL: 'amqp://b' }).AMQP_URL).toBe('amqp://b');
    expect(refusal({ AMQP_ADDR: 'http://u:secret@a' })).toContain('AMQP_ADDR=http://a: must be an amqp://');
  });

  it.each([
    'amqp://a',
    'amqps://u:p,w@a:5671/v?heartbeat=10',
    'amqp://u:p@a:5672/v,amqp://u:p@b:5672/v',
    'amqp://u:p@a, amqps://u:p@[::1]',
  ])('takes the broker, or the brokers, of %s', (AMQP_URL) => {
    expect(readConfig({ AMQP_URL }).AMQP_URL).toBe(AMQP_URL);
  });

  it.each([
    ['amqp://u:secret@a:5672,b:5672/v', 'amqp://a:5672,b:5672/v', 'amqp://a:5672,b:5672/v'],
    ['amqp://u:secret@a,b/v', 'amqp://a,b/v', 'amqp://a,b/v'],
    ['amqp://u:secret@a,amqp://u:secret@b:x', 'amqp://a,amqp://b:x', 'amqp://b:x'],
    ['amqp://u:secret@a,amqp://u:secret@', 'amqp://a,amqp://', 'amqp://'],
    ['amqp://u:secret@a,http://b', 'amqp://a,http://b', 'amqp://a,http://b'],
    ['amqp://u:secret@a,', 'amqp://a,', 'amqp://a,'],
    [',amqp://u:secret@a', '(not shown)', '(not shown)'],
  ])(
    'refuses brokers such as %s, without the password, and says how a list is written',
    (list, all, part) => {
      for (const name of ['AMQP_URL', 'AMQP_ADDR']) {
        const message = refusal({ [name]: list });
        expect(message).toContain(
          `\n  ${name}=${all}: must be an amqp:// or amqps:// URL, or several with commas`,
        );
        expect(message).toContain(
          `amqp://user:password@a:5672/hitl,amqp://user:password@b:5672/hitl; ${part} is no`,
        );
        expect(message).not.toContain('secret');
      }
    },
  );

  it('never shows a secret', () => {
    const message = refusal({
      DATABASE_URL: 'mysql://u:secret@x',
      AMQP_URL: 'http://u:secret@x',
      MODEL_BASE_URL: 'ftp://secret@x',
      MODEL_API_KEY: 'secret',
      MODEL_SECRET: 'secret',
    });
    expect(message).toContain('DATABASE_URL=mysql://x: must be a postgres:// URL');
    expect(message).not.toContain('secret');
  });

  it.each(['openai', 'http'])('asks for MODEL_BASE_URL with the provider %s', (MODEL_PROVIDER) => {
    expect(refusal({ MODEL_PROVIDER })).toContain('MODEL_BASE_URL');
    expect(readConfig({ MODEL_PROVIDER, MODEL_BASE_URL: 'http://localhost:11434/v1' })).toMatchObject({
      MODEL_PROVIDER,
    });
  });
});

describe('the list of variables', () => {
  it('has every property that is validated, once', () => {
    const validated = getMetadataStorage()
      .getTargetValidationMetadatas(Config, '', false, false)
      .map((metadata) => metadata.propertyName);
    expect([...ENVIRONMENT_VARIABLES].sort()).toEqual([...new Set(validated)].sort());
  });

  it('is the one of .env.example, with the real defaults, each commented out and explained', () => {
    const lines = readFileSync(join(process.cwd(), '.env.example'), 'utf8').split('\n');
    const defaults = DEFAULTS as Record<string, string | number | undefined>;
    expect(lines.filter((line) => /^#?\w+=/.test(line))).toEqual(
      expect.arrayContaining(ENVIRONMENT_VARIABLES.map((name) => `#${name}=${String(defaults[name] ?? '')}`)),
    );
    const named = lines.flatMap((line) => /^#?(\w+)=/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual([...ENVIRONMENT_VARIABLES].sort());
    lines.forEach((line, index) => {
      if (/^#\w+=/.test(line)) expect(lines[index - 1]).toMatch(/^# .{10,}/);
    });
  });

  it('is passed on by docker/compose.yaml to every app', () => {
    const compose = parse(readFileSync(join(process.cwd(), 'docker/compose.yaml'), 'utf8'), {
      merge: true,
    }) as {
      services: Record<string, { environment: Record<string, unknown> }>;
    };
    // The image says where it listens; nothing in a container uses the embedded database.
    const passed = ENVIRONMENT_VARIABLES.filter((name) => !['HOST', 'PORT', 'DATA_DIR'].includes(name));
    for (const app of ['gateway', 'inference-worker', 'review-service']) {
      expect(Object.keys(compose.services[app]?.environment ?? {})).toEqual(expect.arrayContaining(passed));
    }
  });
});
