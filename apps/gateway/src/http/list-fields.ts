import { isJobId } from '@hitl/domain';
import { listOf, quote, shown } from '@hitl/shapes';
import { field, type FieldOptions } from './field';

/** A list of texts, in a response. */
export function TextsField(options: FieldOptions = {}): PropertyDecorator {
  return field({ schema: { type: [String] } }, options);
}

/** UUIDs with commas between them. @param options.most of them in one parameter */
export function UuidListField({ most, ...options }: FieldOptions & { most: number }): PropertyDecorator {
  return field(
    {
      schema: { type: String },
      faultOf: (value) => {
        const ids = value as string[];
        if (ids.length > most) return `names ${ids.length}, ${most} at most`;
        const wrong = ids.find((id) => !isJobId(id));
        return wrong === undefined ? undefined : `${quote(wrong)} is not a UUID`;
      },
      read: (text) => text.split(','),
    },
    options,
  );
}

/**
 * A list of objects of a class, each checked as a body is: a fault's pointer names its place in the list.
 * @param options.most objects that a body may have, one at least; a response says nothing of it
 */
export function ListField(
  type: new () => object,
  { most, ...options }: FieldOptions & { most?: number } = {},
): PropertyDecorator {
  return field(
    {
      ...listOf(type, 1, most ?? Infinity),
      schema: { type: [type], ...(most !== undefined && { minItems: 1, maxItems: most }) },
    },
    options,
  );
}

/**
 * An opaque position in a list, as {@link encodeCursor} makes it.
 * @param isPosition recognises the positions of this list
 */
export function CursorField(isPosition: (value: unknown) => boolean): PropertyDecorator {
  return field(
    {
      schema: { type: String, minLength: 1 },
      faultOf: (value) =>
        isPosition(value)
          ? undefined
          : `${shown(value)} is not a cursor of this list; take next_cursor as it came`,
      read: (text) => {
        try {
          const position: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
          return isPosition(position) ? position : undefined;
        } catch {
          return undefined;
        }
      },
    },
    { optional: true, description: 'next_cursor of the page before' },
  );
}

/** An opaque position in a list: base64url of JSON. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}
