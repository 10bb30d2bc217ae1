import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { quote } from './faults';

/**
 * The fields of bodies, queries and answers. Each decorator is a field's only declaration: the check that `validate.ts`
 * makes, the detail of its fault, the value that the text of a query's parameter stands for, and the description in the
 * OpenAPI document. Answers are described by the same decorators; nobody checks them.
 */
export interface FieldOptions {
  description?: string;
  /** Whether it may be left out. */
  optional?: boolean;
  /** Whether it may be null. */
  nullable?: boolean;
  /** What it is where it is left out or null. */
  default?: unknown;
  example?: unknown;
  /** What to send instead, at the end of a fault's detail. */
  remedy?: string;
}

interface Kind {
  schema: Partial<ApiPropertyOptions>;
  /** What is wrong with a value, as a text that follows the field's name; undefined: nothing. */
  faultOf?: (value: unknown, siblings: object) => string | undefined;
  /** The value that a parameter's text stands for; undefined where it stands for none. */
  read?: (text: string) => unknown;
}

/** A parameter's text that stands for no value. */
class Unread {
  constructor(readonly text: string) {}
}

const DEFAULTS = Symbol('defaults');

export function field({ schema, faultOf, read }: Kind, options: FieldOptions): PropertyDecorator {
  const { optional = false, nullable = false, remedy, ...told } = options;
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
  const describe = ApiProperty({
    ...schema,
    required: !optional,
    ...(nullable && { nullable }),
    ...told,
  } as ApiPropertyOptions);
  return (target, key) => {
    check(target, key);
    describe(target, key);
    if (read) Transform(({ value }: { value: string }) => read(value) ?? new Unread(value))(target, key);
    if (options.default === undefined) return;
    Reflect.defineMetadata(DEFAULTS, { ...defaultsOf(target), [key]: options.default }, target);
  };
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
