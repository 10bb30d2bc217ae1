import type { ReactNode } from 'react';

/** A line between the job and its answer. */
export function Banner({
  tone = 'plain',
  action,
  children,
}: {
  tone?: 'plain' | 'warn' | 'bad';
  action?: ReactNode;
  children: ReactNode;
}) {
  const look = { plain: '', warn: 'text-warn', bad: 'text-bad' }[tone];
  return (
    <div
      role={tone === 'bad' ? 'alert' : undefined}
      className={`flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-sunken px-4 py-1.5 ${look}`}
    >
      <span className="min-w-0 break-words" dir="auto">
        {children}
      </span>
      {action}
    </div>
  );
}
