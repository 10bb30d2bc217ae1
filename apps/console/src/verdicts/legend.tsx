import type { UnionOf } from '../api/unions';

/** How each outcome is named and coloured, everywhere alike. */
export const LOOKS = {
  approve: { name: 'approved', fill: 'fill-good', back: 'bg-good' },
  edit: { name: 'edited', fill: 'fill-accent', back: 'bg-accent' },
  reject: { name: 'rejected', fill: 'fill-bad', back: 'bg-bad' },
  regenerate: { name: 'sent back', fill: 'fill-warn', back: 'bg-warn' },
  expired: { name: 'expired', fill: 'fill-dim', back: 'bg-dim' },
} as const satisfies Record<UnionOf<'DecisionOutcome'>, { name: string; fill: string; back: string }>;

/** What the colours mean. */
export function Legend({ names }: { names: readonly (keyof typeof LOOKS)[] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-dim">
      {names.map((name) => (
        <li key={name} className="flex items-center gap-1.5">
          <span aria-hidden="true" className={`size-2.5 rounded-xs ${LOOKS[name].back}`} />
          {LOOKS[name].name}
        </li>
      ))}
    </ul>
  );
}
