import type { ReactNode } from 'react';

/** A table that is scrolled within its own frame, by the keyboard too. @param label what it lists, for screen readers */
export function Table({
  label,
  className = '',
  children,
}: {
  label: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <div
      className={`relative overflow-auto ${className}`.trimEnd()}
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      <table className="figures">{children}</table>
    </div>
  );
}
