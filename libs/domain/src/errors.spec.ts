import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { ERRORS } from './errors';

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
