import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { QueryFailedError } from 'typeorm';
import { createLogger, describeError, NestLogger } from './logger';

/** A database error as TypeORM throws it, with what a user wrote in every place that can hold it. */
function queryFailed(): QueryFailedError {
  const driverError = Object.assign(new Error('duplicate key value violates unique constraint "jobs_pkey"'), {
    code: '23505',
    detail: 'Key (payload)=(secret) already exists.',
    where: 'secret',
    parameters: ['secret'],
  });
  return new QueryFailedError('INSERT INTO jobs VALUES ($1)', ['secret'], driverError);
}

/** A logger and the lines that it wrote. */
function recorded() {
  const lines: Record<string, any>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const logger = pino({ level: 'trace', serializers: { err: describeError } }, stream);
  return { lines, logger, nest: new NestLogger(logger) };
}

describe('an error in the log', () => {
  it('has its type, message, code and stack', () => {
    const error = Object.assign(new TypeError('a bug'), { code: 'ERR_X' });
    expect(describeError(error)).toEqual({
      type: 'TypeError',
      message: 'a bug',
      code: 'ERR_X',
      stack: error.stack,
    });
  });

  it('of the database leaves out what users wrote', () => {
    const described = describeError(queryFailed());
    expect(described).toMatchObject({ type: 'QueryFailedError', code: '23505' });
    expect(JSON.stringify(described)).not.toContain('secret');
  });

  it.each([
    ['as the message', (nest: NestLogger) => nest.error(queryFailed(), 'Http')],
    [
      'in a field',
      (nest: NestLogger) => nest.error({ err: queryFailed(), message: 'a request failed' }, 'Http'),
    ],
  ])('leaves it out given %s', (_name, log) => {
    const { lines, nest } = recorded();
    log(nest);
    expect(lines).toMatchObject([{ context: 'Http', err: { type: 'QueryFailedError', code: '23505' } }]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('may be anything that was thrown', () => {
    expect([describeError('text'), describeError(undefined), describeError(null)]).toEqual([
      { message: 'text' },
      { message: 'undefined' },
      { message: 'null' },
    ]);
  });
});

describe("Nest's messages", () => {
  it('keep their level, text and context', () => {
    const { lines, nest } = recorded();
    nest.log('a', 'Http');
    nest.warn('b', 'Http');
    nest.error('c', 'the stack', 'Http');
    nest.debug('d', 'Http');
    nest.verbose('e', 'Http');
    nest.fatal('f', 'Http');
    expect(lines.map(({ level, msg, context }) => [level, msg, context])).toEqual([
      [30, 'a', 'Http'],
      [40, 'b', 'Http'],
      [50, 'c', 'Http'],
      [20, 'd', 'Http'],
      [10, 'e', 'Http'],
      [60, 'f', 'Http'],
    ]);
  });

  it('keep their fields', () => {
    const { lines, nest } = recorded();
    nest.log({ jobId: '1', message: 'submitted' }, 'Jobs');
    expect(lines).toMatchObject([{ jobId: '1', message: 'submitted', context: 'Jobs' }]);
  });

  it('about every module and route at boot are for debugging', () => {
    const { lines, nest } = recorded();
    nest.log('Mapped {/v1/jobs, POST} route', 'RouterExplorer');
    expect(lines).toMatchObject([{ level: 20 }]);
  });
});

describe('the logger of a process', () => {
  const logger = createLogger('gateway', 'warn', 'json');

  it('leaves out what is below its level', () => {
    expect([logger.isLevelEnabled('info'), logger.isLevelEnabled('warn')]).toEqual([false, true]);
  });

  it('writes errors as described, and its service on each line', () => {
    expect(Reflect.get(logger, pino.symbols.serializersSym)).toHaveProperty('err', describeError);
    expect(logger.bindings()).toEqual({ service: 'gateway' });
  });
});
