import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { DomainError, ERRORS } from './errors';

it('has every error in docs/errors.md with its status, in order, and nothing else', () => {
  const rows = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, code]) => code?.startsWith('`'))
    .map(([, code, status, when, remedy]) => {
      expect([when, remedy]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)]);
      return [code, Number(status)];
    });
  expect(rows).toEqual(Object.entries(ERRORS).map(([code, { status }]) => [`\`${code}\``, status]));
});

it('writes out what would not be seen, or would turn the words around it', () => {
  const detail = '"a\u202eb\u0007\u2028\u200b\ufeff\ud800 и ünï"\nis no name';
  const told = '"a⟦U+202E⟧b⟦U+0007⟧⟦U+2028⟧⟦U+200B⟧⟦U+FEFF⟧⟦U+D800⟧ и ünï"\nis no name';
  const error = new DomainError('invalid_request', detail, [{ pointer: '/a\u202e', detail }]);
  expect(error.message).toBe(told);
  // The pointer is for programs.
  expect(error.faults).toEqual([{ pointer: '/a\u202e', detail: told }]);
});
