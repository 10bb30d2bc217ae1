import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UsageError } from './arguments';
import { checkPolicy } from './policy';

const folder = mkdtempSync(join(tmpdir(), 'hitl-policy-'));
const file = join(folder, 'policy.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

describe('policy check', () => {
  let [out, err] = ['', ''];
  beforeEach(() => {
    [out, err] = ['', ''];
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('prints every rule and ends with 0', () => {
    expect([checkPolicy(['docs/policy.example.yaml']), err]).toEqual([0, '']);
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^leaked-key: when .* → reject$/),
      expect.stringMatching(
        /^payments: when .* → human \(2 approvals from seniors, never the submitter, reminder after 30m, escalates after 2h to seniors, fails after 3d, put off for 15m at most by a reviewer at work\)$/,
      ),
      expect.stringMatching(/^short-and-cheap: when .* → approve, 5 % → human \(1 approval from reviewers, /),
      expect.stringMatching(/^trusted-customer: when .* → human \(.*\), recorded as approve$/),
      expect.stringMatching(/^otherwise → human \(1 approval from reviewers, .*fails after 1d, .*\)$/),
      expect.stringMatching(/^SHA-256 [0-9a-f]{64}$/),
      '',
    ]);
  });

  it('does not hide an approval that nobody has looked at', () => {
    writeFileSync(
      file,
      'version: 1\ndefaults: { deadline: 90s, on_deadline: approve, deadline_grace: 0s }\nrules: []',
    );
    expect(checkPolicy([file])).toBe(0);
    expect(out).toContain('otherwise → human (1 approval, APPROVED after 90s, put off for nobody)');
  });

  it.each([
    ['faults', 'sample: 2', /cannot be used:\n {2}\/rules\/0\/sample: 2 is not a share/],
    ['an unknown name', 'when: foo', /^warning \/rules\/0\/when: Unknown variable: foo/],
  ])('ends with 1 and says where for %s', (_what, rule, message) => {
    writeFileSync(file, `version: 1\nrules: [{ name: x, ${rule} }]`);
    expect(checkPolicy([file])).toBe(1);
    expect(err).toMatch(message);
  });

  it.each([
    [[], 'Something is missing'],
    [[file, 'more.yaml'], '«more.yaml» is one too many'],
    [['--all', file], "Unknown option '--all'"],
  ])('refuses what it is not asked with: %j', (args, message) => {
    expect(() => checkPolicy(args)).toThrow(new UsageError(message));
  });

  it('ends with 2 when there is no such file', () => {
    expect(checkPolicy([join(folder, 'none.yaml')])).toBe(2);
    expect(err).toContain('ENOENT');
  });
});
