import { shown, type Kind } from './field';

/** A whole number. */
export function wholeNumber(min = -Infinity, max = Infinity): Kind {
  return {
    faultOf: (value) =>
      Number.isInteger(value) && Number(value) >= min && Number(value) <= max
        ? undefined
        : `${shown(value)} is not a whole number from ${min} to ${max}`,
  };
}

export const TEXT: Kind = {
  faultOf: (value) => (typeof value === 'string' ? undefined : `${shown(value)} is not a text`),
};

export const NON_EMPTY_TEXT: Kind = {
  faultOf: (value) => (value === '' ? 'is empty' : TEXT.faultOf?.(value, {})),
};

export const LIST: Kind = {
  faultOf: (value) => (Array.isArray(value) ? undefined : `${shown(value)} is not a list`),
};

/** An object of any keys and values. */
export const OBJECT: Kind = {
  faultOf: (value) => (isObject(value) ? undefined : `${shown(value)} is not an object`),
};

/** `true` or `false`. */
export const FLAG: Kind = {
  faultOf: (value) => (typeof value === 'boolean' ? undefined : `${shown(value)} is neither true nor false`),
};

/** One of some values. */
export function oneOf(values: readonly unknown[]): Kind {
  return {
    faultOf: (value) =>
      values.includes(value)
        ? undefined
        : `${shown(value)} is not ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`,
  };
}

/** An object of a class. */
export function objectOf(type: new () => object): Kind {
  return { holds: { as: 'object', type } };
}

/** An object of any keys whose values are objects of a class. */
export function mapOf(type: new () => object): Kind {
  return {
    faultOf: (value) => (isObject(value) ? undefined : 'must be an object'),
    holds: { as: 'values', type },
  };
}

/** A list of objects of a class. @param min how many there must be at least */
export function listOf(type: new () => object, min: number, max: number): Kind {
  return {
    faultOf: (value) => {
      if (!Array.isArray(value)) return 'must be a list';
      if (value.length >= min && value.length <= max) return undefined;
      return `has ${value.length} entries; there may be ${min} to ${max}`;
    },
    holds: { as: 'items', type },
  };
}

/** Whether a value is what JSON and YAML call an object: no list, and of no class. */
export function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
