import { useEffect, useMemo, useState } from 'react';
import type { Review } from '../../api/client';
import { clip, visible } from '../../text/hygiene';
import { resultOf } from './result';
import type { formFault } from './form-check';

/** Characters of a fault that are told. */
const MAX_FAULT_LENGTH = 200;

/**
 * How what is written breaks the form that its request asks for; null: it does not, or nothing is written, or the check
 * is not loaded yet.
 */
export function useFormFault(review: Review, text: string | null): string | null {
  const [check, setCheck] = useState<{ run: typeof formFault } | null>(null);
  const isWriting = text !== null;
  useEffect(() => {
    if (!isWriting || check) return;
    // Without it the server still refuses, and says why.
    import('./form-check').then(
      (loaded) => setCheck({ run: loaded.formFault }),
      () => undefined,
    );
  }, [isWriting, check]);
  return useMemo(() => {
    const { response = null } = text === null ? {} : { response: null, ...resultOf(review.response, text) };
    const fault = response !== null && check ? check.run(review, response) : null;
    return fault === null ? null : visible(clip(fault, MAX_FAULT_LENGTH).text);
  }, [check, review, text]);
}
