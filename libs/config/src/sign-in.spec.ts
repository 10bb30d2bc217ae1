import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { signsIn } from './access';
import { readConfig } from './config';
import { withSecretFiles } from './environment';

describe('whether callers sign in', () => {
  it.each([
    [{}, false],
    [{ HOST: '0.0.0.0' }, true],
    [{ HOST: '0.0.0.0', AUTH_MODE_NONE_ANYWHERE: 'true' }, false],
    [{ HOST: '0.0.0.0', AUTH_MODE: 'none' }, false],
    [{ AUTH_MODE: 'none' }, false],
    [{ AUTH_MODE: 'keys' }, true],
    [{ AUTH_MODE: 'oidc' }, true],
    [{ AUTH_MODE: 'keys, oidc' }, true],
    [{ AUTH_MODE: 'keys', AUTH_MODE_NONE_ANYWHERE: 'true' }, true],
  ])('is said by %j: %s', (env, asked) => {
    expect(signsIn(readConfig(env))).toBe(asked);
  });

  it.each(['None', 'none,keys', 'key', ','])('is not said by AUTH_MODE=%s', (AUTH_MODE) => {
    expect(() => readConfig({ AUTH_MODE })).toThrow(/AUTH_MODE=.*must be keys, oidc, both/);
  });

  it.each([{ AUTH_SECRET: 'too short' }, { BOOTSTRAP_ADMIN_KEY: 'hitl_1_2' }])(
    'takes no secret that is none, and shows none: %j',
    (env) => {
      const [value] = Object.values(env);
      expect(() => readConfig(env)).toThrow(/=\(not shown\): /);
      expect(() => readConfig(env)).not.toThrow(value);
    },
  );
});

describe('a secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-config-'));
  const file = join(folder, 'secret');
  writeFileSync(file, 'from the file\n');
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    'AMQP_URL',
    'AUDIT_SIGNING_KEY',
    'AUTH_SECRET',
    'BOOTSTRAP_ADMIN_KEY',
    'DATABASE_URL',
    'MODEL_API_KEY',
    'OIDC_CLIENT_SECRET',
    'WEBHOOK_SECRET',
  ])('is read for %s, without the line feed at its end', (name) => {
    expect(withSecretFiles({ [`${name}_FILE`]: file })).toMatchObject({ [name]: 'from the file' });
  });

  it('is not looked for where the variable is empty', () => {
    expect(withSecretFiles({ AUTH_SECRET_FILE: '' })).not.toHaveProperty('AUTH_SECRET');
  });

  it('is refused where it cannot be read, or is given twice', () => {
    expect(() => withSecretFiles({ AUTH_SECRET_FILE: join(folder, 'none') })).toThrow(
      /^AUTH_SECRET_FILE=.* cannot be read/,
    );
    expect(() => withSecretFiles({ AUTH_SECRET_FILE: file, AUTH_SECRET: 'x' })).toThrow(/both set/);
  });
});
