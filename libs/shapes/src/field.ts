import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';

export interface FieldOptions {
  /** Whether it may be left out. */
  optional?: boolean;
  /** Whether it may be null. */
  nullable?: boolean;
  /** What it is where it is left out or null. */
  default?: unknown;
  /** What to send instead, at the end of a fault's detail. */
  remedy?: string;
}

/** What a field's values are. */
export interface Kind {
  /** What is wrong with a value, as a text that follows the field's name; undefined: nothing. */
  faultOf?: (value: unknown, siblings: object) => string | undefined;
  /** The value that a parameter's text stands for; undefined where it stands for none. */
  read?: (text: string) => unknown;
  /** The class of the objects that it holds, each read in turn. */
  holds?: Held;
}

/** Objects of a class in a field: the value itself, the items of a list, or the values of an object. */
export interface Held {
  as: 'object' | 'items' | 'values';
  type: new () => object;
}

/** A parameter's text that stands for no value. */
class Unread {
  constructor(readonly text: string) {}
}

const DEFAULTS = Symbol('defaults');
const HELD = Symbol('held');

/** Declares a field of a class: `readObject` checks it. */
export function field({ faultOf, read, holds }: Kind, options: FieldOptions = {}): PropertyDecorator {
  const { optional = false, nullable = false, remedy } = options;
  const check = ValidateBy({
    name: 'field',
    validator: {
      validate: (value, given) => {
        if (value === undefined) return optional;
        return (value === null && nullable) || faultOf?.(value, given?.object ?? {}) === undefined;
      },
      defaultMessage: (given) => {
        const detail =
          given?.value === undefined
            ? 'is missing'
            : (faultOf?.(given.value, given.object) ?? 'is not valid');
        // class-validator fills in what begins with a dollar.
        return `${detail}${remedy === undefined ? '' : `; ${remedy}`}`.replaceAll('$', '\\u0024');
      },
    },
  });
  return (target, key) => {
    check(target, key);
    if (read) Transform(({ value }: { value: string }) => read(value) ?? new Unread(value))(target, key);
    if (holds) Reflect.defineMetadata(HELD, holds, target, key);
    if (options.default === undefined) return;
    Reflect.defineMetadata(DEFAULTS, { ...defaultsOf(target), [key]: options.default }, target);
  };
}

/** The objects that a field holds; undefined for a field without any. */
export function heldBy(instance: object, key: string): Held | undefined {
  return Reflect.getMetadata(HELD, instance, key) as Held | undefined;
}

/** The defaults of a class's fields. @param prototype or an instance */
export function defaultsOf(prototype: object): Record<string, unknown> {
  return (Reflect.getMetadata(DEFAULTS, prototype) ?? {}) as Record<string, unknown>;
}

const IGNORES_UNKNOWN = Symbol('ignores unknown');

/** Of a class: fields or parameters that it does not have are passed over, not refused. */
export function IgnoresUnknown(): ClassDecorator {
  return (type) => {
    Reflect.defineMetadata(IGNORES_UNKNOWN, true, type);
  };
}

/** Whether a class {@link IgnoresUnknown} fields. */
export function ignoresUnknown(type: new () => object): boolean {
  return Reflect.hasMetadata(IGNORES_UNKNOWN, type);
}

/** Enough of a value to recognise it. */
export function shown(value: unknown): string {
  if (value instanceof Unread) return quote(value.text);
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Enough of a text to recognise it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
