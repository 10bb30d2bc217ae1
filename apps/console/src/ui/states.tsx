import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ApiError, messageOf } from '../api/problem';
import { Button } from './button';

/** Something instead of what belongs here: why, and what to do. */
export function Notice({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div role="status" className="m-auto flex max-w-md flex-col items-center gap-3 p-8 text-center">
      <h2 className="text-base font-semibold">{title}</h2>
      {children !== undefined && <div className="text-dim">{children}</div>}
      {action}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div role="status" className="m-auto p-8 text-dim">
      Loading {what} …
    </div>
  );
}

/** What went wrong, in the gateway's own words. */
export function Failed({ error, reset }: { error: unknown; reset?: () => void }) {
  const unreachable = error instanceof ApiError && error.status === 0;
  return (
    <Notice
      title={unreachable ? 'The server cannot be reached' : 'This did not work'}
      action={reset && <Button onClick={reset}>Try again</Button>}
    >
      {unreachable ? 'Nothing is lost: what you wrote is kept in this browser.' : messageOf(error)}
    </Notice>
  );
}

export function Missing() {
  return (
    <>
      <h1 className="sr-only">No such page</h1>
      <Notice
        title="There is no such page"
        action={
          <Link to="/queue" className="button">
            To the queue
          </Link>
        }
      />
    </>
  );
}
