import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { audit } from './audit';

const said: string[] = [];
beforeEach(() => {
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
  said.length = 0;
});

it.each([
  [[]],
  [['repair']],
  [['verify', 'all']],
  [['verify', '--job', '7']],
  [['verify', '--digest', '7']],
  [['verify', '--all']],
])('the audit explains itself when asked for %j', async (args) => {
  expect(await audit(args)).toBe(2);
  expect(said).toEqual([expect.stringMatching(/^Usage: npm run audit -- verify/)]);
});
