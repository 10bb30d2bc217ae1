import type { PolicyContent, Terms } from './policy';

/**
 * The rules that send answers to reviewers although no reviewer may decide them, where everybody acts under one name:
 * they ask for several people, for a group without that name, or for another person than the submitter. What no rule
 * takes is named `otherwise`.
 */
export function undecidable(policy: PolicyContent, name: string): string[] {
  const { rules, defaults, groups } = policy;
  const reviewed: (Terms & { name: string })[] = [
    ...rules.filter(({ outcome, sample, shadow }) => outcome === 'human' || shadow || sample > 0),
    { ...defaults, name: 'otherwise' },
  ];
  return reviewed
    .filter(({ approvals, fourEyes, group, escalateTo }) => {
      const among = (each: string | null): boolean =>
        each === null || (groups[each]?.includes(name) ?? false);
      const open = among(group) || (escalateTo !== null && among(escalateTo));
      return approvals > 1 || fourEyes || !open;
    })
    .map((rule) => rule.name);
}
