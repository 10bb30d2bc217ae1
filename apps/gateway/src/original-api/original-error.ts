import type { ErrorForm } from '../http/error-form';

/** The form of the original system's errors. */
export const ORIGINAL_FORM: ErrorForm = {
  schema: 'OriginalError',
  type: 'application/json; charset=utf-8',
  write: ({ message }) => ({ status: 'error', message }),
};
