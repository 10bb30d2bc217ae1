import { LOOKS } from './looks';

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
