import type { Config } from '@hitl/config';
import type { Work } from './repeat';

/** Milliseconds between two runs, plus or minus a fifth. */
export type Interval = number | ((config: Config) => number);

const INTERVALS = new WeakMap<object, Interval>();

/**
 * Runs a method of a provider from the application's start until it stops: never twice at once, and again at once when it
 * resolves with a number other than 0. What it throws is logged.
 * @param interval the gap between two runs, in milliseconds, or how the configuration says it
 */
export function Every(interval: Interval) {
  return <Method extends Work>(
    _class: object,
    _name: string,
    { value }: TypedPropertyDescriptor<Method>,
  ): void => {
    if (value) INTERVALS.set(value, interval);
  };
}

/** The interval of a method that has {@link Every}; undefined: it has none. */
export function intervalOf(method: unknown): Interval | undefined {
  return typeof method === 'function' ? INTERVALS.get(method) : undefined;
}
