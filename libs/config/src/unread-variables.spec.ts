import { describe, expect, it } from '@jest/globals';
import { ENVIRONMENT_VARIABLES } from './config';
import { unreadVariables } from './unread-variables';

const warnings = (env: Record<string, string>): string[] => unreadVariables(env, ENVIRONMENT_VARIABLES);

describe('a variable that nothing reads', () => {
  it.each([
    ['DATABASE_URI', 'DATABASE_URL'],
    ['POSTGRES_URL', 'DATABASE_URL'],
    ['PG_CONNECTION_STRING', 'DATABASE_URL'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['RABBITMQ_URL', 'AMQP_URL'],
    ['CLOUDAMQP_URL', 'AMQP_URL'],
    ['AMQP_URI', 'AMQP_URL'],
    ['MODEL_KEY', 'MODEL_API_KEY'],
    ['OPENAI_API_KEY', 'MODEL_API_KEY'],
    ['OPENAI_BASE_URL', 'MODEL_BASE_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['METRICS_PORT', 'MANAGEMENT_PORT'],
    ['DATA_DIRECTORY', 'DATA_DIR'],
    ['REVIEW_POLICY', 'REVIEW_POLICY_FILE'],
    ['MAX_REGENERATION', 'MAX_REGENERATIONS'],
    ['WEBHOOK_ALOW_PRIVAT', 'WEBHOOK_ALLOW_PRIVATE'],
  ])('%s is told to be %s', (name, meant) => {
    expect(warnings({ [name]: 'x' })).toEqual([
      `${name} is not read: the variable is ${meant} (see .env.example)`,
    ]);
  });

  it.each([
    'PATH',
    'HOME',
    'HOSTNAME',
    'POSTGRES_PASSWORD',
    'PGPASSWORD',
    'XDG_DATA_DIRS',
    // Kubernetes sets these for services of such names.
    'RABBITMQ_PORT',
    'POSTGRES_SERVICE_HOST',
    'GATEWAY_PORT_3000_TCP_ADDR',
    'NODE_OPTIONS',
    'npm_config_loglevel',
  ])('%s belongs to another program', (name) => {
    expect(warnings({ [name]: 'x' })).toEqual([]);
  });

  it('is no matter where it is empty, or the right one is set, too', () => {
    expect(warnings({ DATABASE_URI: '' })).toEqual([]);
    expect(warnings({ POSTGRES_URL: 'x', DATABASE_URL: 'postgres://x' })).toEqual([]);
  });

  it('may be a key of MODEL_ROUTES_FILE', () => {
    expect(warnings({ OPENAI_API_KEY: 'x', MODEL_ROUTES_FILE: 'routes.yaml' })).toEqual([]);
  });

  it('is AMQP_ADDR only beside another AMQP_URL', () => {
    expect(warnings({ AMQP_ADDR: 'amqp://a' })).toEqual([]);
    expect(warnings({ AMQP_ADDR: 'amqp://a', AMQP_URL: 'amqp://b' })).toEqual([
      'AMQP_ADDR is not read, since AMQP_URL is set',
    ]);
  });
});
