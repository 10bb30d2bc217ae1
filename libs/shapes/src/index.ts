import 'reflect-metadata';

export { field, IgnoresUnknown, ignoresUnknown, quote, shown, type FieldOptions, type Kind } from './field';
export {
  FLAG,
  isObject,
  LIST,
  listOf,
  mapOf,
  NON_EMPTY_TEXT,
  OBJECT,
  objectOf,
  oneOf,
  TEXT,
  wholeNumber,
} from './kinds';
export { fieldsOf, pointerTo, readObject, wrongIn, type Path } from './read-object';
