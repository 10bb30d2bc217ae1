import { afterEach, expect, it, jest } from '@jest/globals';
import {
  Injectable,
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type INestApplicationContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Config, readConfig } from '@hitl/config';
import { until } from '@hitl/testing';
import { Background, BackgroundModule } from './background.module';
import { Every } from './every';

const HOUR_MS = 3_600_000;

@Injectable()
class Sweeper implements BeforeApplicationShutdown {
  readonly runs: string[] = [];
  left = 2;
  fault: Error | undefined;

  @Every(HOUR_MS)
  sweep(): Promise<void> {
    this.runs.push('sweep');
    return this.fault ? Promise.reject(this.fault) : Promise.resolve();
  }

  @Every((config: Config) => config.OUTBOX_POLL_MS)
  take(): Promise<number> {
    this.runs.push('take');
    return Promise.resolve(this.left-- > 0 ? 1 : 0);
  }

  beforeApplicationShutdown(): void {
    this.runs.push('last');
  }
}

@Module({
  providers: [{ provide: Config, useValue: readConfig({ OUTBOX_POLL_MS: '60000' }) }],
  exports: [Config],
})
class ConfigModule {}

@Module({
  imports: [
    { module: ConfigModule, global: true },
    BackgroundModule.forRoot((error) =>
      (error as Error).message === 'away' ? 'the database is away' : undefined,
    ),
  ],
  // Under two names, and repeated once.
  providers: [Sweeper, { provide: 'alias', useExisting: Sweeper }],
})
class App {}

let app: INestApplicationContext;
async function start(): Promise<Sweeper> {
  app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  return app.get(Sweeper);
}
afterEach(async () => {
  await app.close();
  jest.restoreAllMocks();
});

it('runs the methods that have @Every from the start on, and wakes those of one provider', async () => {
  const sweeper = await start();
  await until('the first runs', () => sweeper.runs.length === 4);
  expect(sweeper.runs.toSorted()).toEqual(['sweep', 'take', 'take', 'take']);
  app.get(Background).wake(sweeper);
  await until('they ran again', () => sweeper.runs.length === 6);
  expect(sweeper.runs.toSorted()).toEqual(['sweep', 'sweep', 'take', 'take', 'take', 'take']);
});

it('has stopped all of them before a provider finishes what is in hand', async () => {
  const sweeper = await start();
  await until('the first runs', () => sweeper.runs.length === 4);
  await app.close();
  app.get(Background).wake(sweeper);
  await new Promise(setImmediate);
  expect(sweeper.runs.slice(4)).toEqual(['last']);
});

it.each([
  ['away', 'warn', 'the database is away'],
  ['a bug', 'error', expect.objectContaining({ message: 'a bug' })],
] as const)('logs "%s" as %s', async (message, level, logged) => {
  const log = jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  const sweeper = await start();
  sweeper.fault = new Error(message);
  app.get(Background).wake(sweeper);
  await until('it was logged', () => log.mock.calls.length > 0);
  expect(log).toHaveBeenCalledWith(logged);
});
