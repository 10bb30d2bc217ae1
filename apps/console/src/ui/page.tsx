import type { ReactNode } from 'react';

/** A page that is read from top to bottom: its name, what belongs to all of it, and the rest. */
export function Page({ title, tools, children }: { title: string; tools?: ReactNode; children: ReactNode }) {
  return (
    <div className="relative flex min-h-0 flex-1 flex-col overflow-auto">
      <div className="mx-auto flex w-full max-w-6xl flex-1 flex-col gap-6 p-4 sm:p-6">
        <div className="flex flex-wrap items-center gap-2">
          <h1 className="mr-auto min-w-0 text-lg font-semibold break-words">{title}</h1>
          {tools}
        </div>
        {children}
      </div>
    </div>
  );
}

/** A part of a page under its own heading. */
export function Part({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section aria-label={title} className="flex min-w-0 flex-col gap-2">
      <h2 className="font-semibold">{title}</h2>
      {note !== undefined && <p className="text-dim">{note}</p>}
      {children}
    </section>
  );
}
