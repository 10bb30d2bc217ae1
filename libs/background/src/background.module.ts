import {
  Inject,
  Injectable,
  Logger,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Config } from '@hitl/config';
import { intervalOf } from './every';
import { repeat, type Repetition, type Work } from './repeat';

/** What to say of an error that passes by itself, in a line; undefined: it does not, and is logged with its stack. */
type Passing = (error: unknown) => string | undefined;

const PASSING = Symbol('passing');

/** Runs the methods that have `@Every`, and stops them before anything else of the application stops. */
@Injectable()
export class Background implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly repetitions = new Map<object, Repetition[]>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly config: Config,
    @Inject(PASSING) private readonly passing: Passing,
  ) {}

  onApplicationBootstrap(): void {
    for (const { instance } of this.discovery.getProviders()) {
      if (typeof instance !== 'object' || instance === null || this.repetitions.has(instance as object))
        continue;
      this.start(instance as Record<string, unknown>);
    }
  }

  /** Resolves when all runs under way are over. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.repetitions.values()].flat().map((repetition) => repetition.stop()));
  }

  /** Runs now what a provider repeats, rather than after the gap. */
  wake(provider: object): void {
    for (const repetition of this.repetitions.get(provider) ?? []) repetition.wake();
  }

  private start(provider: Record<string, unknown>): void {
    const prototype = Object.getPrototypeOf(provider) as object | null;
    const logger = new Logger(provider.constructor.name);
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const interval = intervalOf(provider[name]);
      if (interval === undefined) continue;
      const repetition = repeat(
        typeof interval === 'number' ? interval : interval(this.config),
        () => (provider[name] as Work)(),
        (error) => {
          const line = this.passing(error);
          if (line === undefined) logger.error(error);
          else logger.warn(line);
        },
      );
      this.repetitions.set(provider, [...(this.repetitions.get(provider) ?? []), repetition]);
    }
  }
}

/** Repeats for the whole application what its providers mark with `@Every`. */
@Module({})
export class BackgroundModule {
  static forRoot(passing: Passing): DynamicModule {
    return {
      module: BackgroundModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [{ provide: PASSING, useValue: passing }, Background],
      exports: [Background],
    };
  }
}
