import type { ApiPropertyOptions } from '@nestjs/swagger';
import { actorName, isJsonObject, MAX_NAME_LENGTH, UNIONS } from '@hitl/domain';
import { FLAG, oneOf, shown, wholeNumber } from '@hitl/shapes';
import { isUUID } from 'class-validator';
import { field, type FieldOptions } from './field';

interface TextOptions extends FieldOptions {
  /** Characters that it has, a pair of surrogates counted as one. */
  min?: number;
  max?: number;
  format?: string;
  /** What it looks like, all of it. */
  pattern?: RegExp;
  /** Whether it may have U+0000, which the database takes in no text. */
  nul?: boolean;
}

/** A text. */
export function TextField({
  min = 0,
  max,
  format,
  pattern,
  nul = false,
  ...options
}: TextOptions = {}): PropertyDecorator {
  const range = max === undefined ? `${min} or more` : `${min} to ${max}`;
  return field(
    {
      schema: {
        type: String,
        ...(format !== undefined && { format }),
        ...(pattern && { pattern: pattern.source }),
        ...(min > 0 && { minLength: min }),
        ...(max !== undefined && { maxLength: max }),
      },
      faultOf: (value) => {
        if (typeof value !== 'string') return `${shown(value)} is not a text`;
        if (!nul && value.includes('\0')) return 'contains the character U+0000, which no text here has';
        if (pattern && !pattern.test(value)) return `${shown(value)} is not of the form ${pattern.source}`;
        const length = charactersOf(value);
        if (length >= min && length <= (max ?? Infinity)) return undefined;
        return `has ${length} characters; send ${range}`;
      },
    },
    options,
  );
}

/** A whole number. @param options.capped takes a larger one for `max` */
export function IntegerField({
  min,
  max,
  capped = false,
  ...options
}: FieldOptions & { min?: number; max?: number; capped?: boolean } = {}): PropertyDecorator {
  return field(
    {
      ...wholeNumber(min, max),
      schema: {
        type: 'integer',
        ...(min !== undefined && { minimum: min }),
        ...(max !== undefined && !capped && { maximum: max }),
      },
      read: (text) => {
        if (capped && /^\d+$/.test(text)) return Math.min(Number(text), max ?? Infinity);
        return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
      },
    },
    options,
  );
}

/** Any number. */
export function NumberField(options: FieldOptions = {}): PropertyDecorator {
  return field({ schema: { type: Number } }, options);
}

/** `true` or `false`. */
export function BooleanField(options: FieldOptions = {}): PropertyDecorator {
  return field(
    {
      ...FLAG,
      schema: { type: Boolean },
      read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
    },
    options,
  );
}

/**
 * One of some values.
 * @param of the name of a union, which the document describes once, or the values themselves
 * @param options.anyCase whether a parameter takes it in any letter case
 */
export function EnumField(
  of: keyof typeof UNIONS | readonly string[],
  { anyCase = false, ...options }: FieldOptions & { anyCase?: boolean } = {},
): PropertyDecorator {
  const values: readonly string[] = typeof of === 'string' ? UNIONS[of] : of;
  return field(
    {
      ...oneOf(values),
      // With a type, Nest would repeat the values in place of the union's name.
      schema: { enum: [...values], ...(typeof of === 'string' ? { enumName: of } : { type: String }) },
      read: (text) => values.find((each) => each === (anyCase ? text.toLowerCase() : text)),
    },
    options,
  );
}

/** The base of a response that counts each value of a union. */
export function CountsOf<Name extends keyof typeof UNIONS>(
  union: Name,
): new () => Record<(typeof UNIONS)[Name][number], number> {
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- its fields are the union's
  class Counts {}
  for (const value of UNIONS[union]) IntegerField()(Counts.prototype, value);
  return Counts as ReturnType<typeof CountsOf<Name>>;
}

/** Some of the values of a union, one at least. */
export function EnumListField(of: keyof typeof UNIONS, options: FieldOptions = {}): PropertyDecorator {
  const values: readonly string[] = UNIONS[of];
  return field(
    {
      schema: { type: String, isArray: true, enum: [...values], enumName: of, minItems: 1 },
      faultOf: (value) => {
        if (!Array.isArray(value) || value.length === 0) return `must be a list of ${values.join(', ')}`;
        const wrong: unknown = value.find((each) => !values.some((known) => known === each));
        return wrong === undefined ? undefined : `${shown(wrong)} is not one of ${values.join(', ')}`;
      },
    },
    options,
  );
}

/** The name of another parameter that is not given, too: only what has none of it. */
export function WithoutField(names: readonly string[], options: FieldOptions): PropertyDecorator {
  return field(
    {
      schema: { type: String, enum: [...names] },
      faultOf: (value, siblings) => {
        const name = names.find((each) => each === value);
        if (name === undefined) return `${shown(value)} is not one of ${names.join(', ')}`;
        return Reflect.get(siblings, name) === undefined ? undefined : `${name} is given as well`;
      },
    },
    { optional: true, ...options },
  );
}

/** A UUID of any version, in any letter case. */
export function UuidField(options: FieldOptions = {}): PropertyDecorator {
  return field(
    {
      schema: { type: String, format: 'uuid' },
      faultOf: (value) => (isUUID(value) ? undefined : `${shown(value)} is not a UUID`),
    },
    options,
  );
}

/** A moment as RFC 3339 writes it, from 1970 to 9999: a parameter becomes a Date, a response has a text. */
export function TimeField(options: FieldOptions = {}): PropertyDecorator {
  return field(
    {
      schema: { type: String, format: 'date-time' },
      faultOf: (value) =>
        value instanceof Date
          ? undefined
          : `${shown(value)} is not a time from 1970 on as RFC 3339 writes it, such as 2026-01-31T09:00:00Z`,
      read: (given) => {
        // A plus that was not encoded arrives as a blank.
        const text = given.replace(/ (?=\d\d:\d\d$)/, '+').toUpperCase();
        return isTime(text) ? new Date(text) : undefined;
      },
    },
    options,
  );
}

/** A day as RFC 3339 writes it, from 1970 to 9999. */
export function DayField(options: FieldOptions = {}): PropertyDecorator {
  return field(
    {
      schema: { type: String, format: 'date' },
      faultOf: (value) =>
        typeof value === 'string' && value.length === 10 && isTime(`${value}T00:00:00Z`)
          ? undefined
          : `${shown(value)} is not a day from 1970 on such as 2026-01-31`,
    },
    options,
  );
}

/** The database knows no offsets of 16 hours and more. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-5]):\d\d)$/;

/** Whether a text is a moment as RFC 3339 writes it, from 1970 to 9999, that the database knows, too. */
export function isTime(text: string): boolean {
  const time = Date.parse(RFC_3339.test(text) ? text : '');
  if (!(time >= 0 && time < Date.UTC(10_000, 0))) return false;
  // Date takes 30 February for 2 March.
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** The name of a person as it is kept, or one that the system acts under. */
export function PersonField(options: FieldOptions = {}): PropertyDecorator {
  return field(
    {
      schema: { type: String, minLength: 1, maxLength: MAX_NAME_LENGTH },
      faultOf: (value) =>
        typeof value === 'string' && actorName(value) !== null
          ? undefined
          : `${shown(value)} is nobody's name: names have 1 to ${MAX_NAME_LENGTH} characters, and none that nobody sees`,
      read: actorName,
    },
    options,
  );
}

/** The description of any JSON value: the schema that forbids nothing, under a name that generated code can use. */
export const ANY_JSON = {
  name: 'Json',
  schema: { description: 'Any JSON value: an object, an array, a text, a number, a boolean or null.' },
  ref: { allOf: [{ $ref: '#/components/schemas/Json' }] },
};

/** Any JSON, null included; `body` gives it as a JsonText. */
export function JsonField(options: FieldOptions = {}): PropertyDecorator {
  return field({ schema: ANY_JSON.ref }, options);
}

/** JSON that is described as an object, and checked by who uses it. */
export function JsonObjectField(options: FieldOptions = {}): PropertyDecorator {
  return field({ schema: { type: 'object', additionalProperties: true } }, options);
}

/** An object of a class, in a response. */
export function ObjectField(type: new () => object, options: FieldOptions = {}): PropertyDecorator {
  return field({ schema: { type } }, options);
}

/** An object whose values are texts. At most 64 entries, keys up to 64 and values up to 1,024 characters. */
export function MetadataField(options: FieldOptions = {}): PropertyDecorator {
  return field(
    {
      schema: {
        type: 'object',
        maxProperties: 64,
        propertyNames: { maxLength: 64 },
        additionalProperties: { type: 'string', maxLength: 1024 },
      } as Partial<ApiPropertyOptions>,
      faultOf: (value) =>
        isJsonObject(value) &&
        Object.keys(value).length <= 64 &&
        Object.entries(value).every(
          ([key, text]) => key.length <= 64 && typeof text === 'string' && text.length <= 1024,
        )
          ? undefined
          : 'must be an object of texts: at most 64 entries, keys up to 64 and values up to 1024 characters',
    },
    options,
  );
}

function charactersOf(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}
