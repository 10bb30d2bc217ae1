import { expect, it } from '@jest/globals';
import { parsePolicy } from './parse-policy';
import { undecidable } from './undecidable';

const POLICY = `version: 1
groups:
  seniors: [ana, ben]
  everybody: [ana, local]
defaults:
  group: everybody
rules:
  - { name: payments, group: seniors }
  - { name: twice, approvals: 2 }
  - { name: not-oneself, four_eyes: true }
  - { name: passes, outcome: approve }
  - { name: sampled, outcome: approve, sample: 0.1, group: seniors }
  - { name: escalates, group: seniors, escalate_after: 1h, escalate_to: everybody }
  - { name: plain }
`;

it('names the rules that one and the same person can never satisfy', () => {
  expect(undecidable(parsePolicy(POLICY), 'local')).toEqual(['payments', 'twice', 'not-oneself', 'sampled']);
});

it('names what no rule takes as otherwise', () => {
  const policy = parsePolicy(
    'version: 1\ngroups: { seniors: [ana] }\ndefaults: { group: seniors }\nrules: []\n',
  );
  expect(undecidable(policy, 'local')).toEqual(['otherwise']);
});
