import { Link, Outlet } from '@tanstack/react-router';
import { useState } from 'react';
import { useConnection } from '../api/live';
import { signOut } from '../api/session';
import { Button } from '../ui/button';
import { Key } from '../ui/act';
import { useKeys } from '../keys/use-keys';
import { useReviewer } from '../api/reviewer';
import { setTheme, useTheme, type Theme } from '../ui/theme';
import { Messages } from '../ui/messages';
import { part, Remedies } from '../ui/part';

const HelpDialog = part('the help', () => import('./help-dialog').then((file) => file.HelpDialog));
const NameDialog = part('the dialog for your name', () =>
  import('./name-dialog').then((file) => file.NameDialog),
);

/** Where the pages are; those who add one add it here. */
const PAGES = [
  { to: '/queue', name: 'Queue', needs: 'reviews:read' },
  { to: '/insight', name: 'Insight', needs: 'insight:read' },
  { to: '/try', name: 'Try it', needs: 'jobs:write' },
  { to: '/policies', name: 'Policies', needs: 'policies:read' },
  { to: '/webhooks', name: 'Webhooks', needs: 'webhooks:write' },
  { to: '/keys', name: 'Keys', needs: 'keys:write' },
] as const;

const NEXT_THEME: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_SIGN: Record<Theme, string> = { system: '◐', light: '☀', dark: '☾' };

/** What is around every page: where one is, who one is, and whether the server is there. */
export function Shell() {
  const [dialog, setDialog] = useState<'help' | 'name' | null>(null);
  const { name, state, mayChoose, permissions, hasSession, isOpen } = useReviewer();
  // Keys do nothing where nobody signs in.
  const pages = PAGES.filter(
    ({ to, needs }) => (permissions?.includes(needs) ?? true) && (to !== '/keys' || hasSession),
  );
  const theme = useTheme();
  const close = (): void => setDialog(null);
  const missing = (retry: () => void) => <MissingDialog onRetry={retry} onClose={close} />;
  useKeys({
    help: () => {
      setDialog('help');
    },
  });
  return (
    <div className="flex h-full flex-col">
      <header className="flex min-h-11 max-w-full shrink-0 flex-wrap items-center gap-x-4 border-b border-line bg-panel px-4">
        <span className="font-semibold">HITL</span>
        <nav
          aria-label="Pages"
          className="flex min-w-0 gap-1 max-sm:order-last max-sm:gap-0 max-sm:w-full max-sm:justify-between max-sm:pb-1.5"
        >
          {pages.map(({ to, name }) => (
            <Link
              key={to}
              to={to}
              className="rounded-md px-2 py-1 whitespace-nowrap max-sm:px-1 max-sm:text-[13px] text-dim hover:text-ink"
              activeProps={{ className: 'bg-chosen !text-ink', 'aria-current': 'page' }}
            >
              {name}
            </Link>
          ))}
        </nav>
        <div className="ml-auto flex min-w-0 items-center gap-1">
          <Name name={name} onChange={mayChoose ? () => setDialog('name') : null} />
          {hasSession && (
            <Button look="quiet" onClick={() => void signOut()}>
              Sign out
            </Button>
          )}
          <Button
            look="quiet"
            aria-label={`Theme: ${theme}. Change it`}
            title={`Theme: ${theme}`}
            onClick={() => {
              setTheme(NEXT_THEME[theme]);
            }}
          >
            <span aria-hidden="true">{THEME_SIGN[theme]}</span>
          </Button>
          <Button
            look="quiet"
            onClick={() => {
              setDialog('help');
            }}
          >
            Keys <Key of="help" />
          </Button>
        </div>
      </header>
      {isOpen && (
        <div role="alert" className="border-b border-line bg-sunken px-4 py-1.5 text-bad">
          Nobody signs in here, and the network can reach this server: anyone can approve responses. Set
          AUTH_MODE=keys.
        </div>
      )}
      <ConnectionBanner />
      {dialog === 'help' && <HelpDialog onClose={close} meanwhile={null} otherwise={missing} />}
      {(dialog === 'name' || state === 'unnamed') && (
        <NameDialog onClose={close} meanwhile={null} otherwise={missing} />
      )}
      <main className="flex min-h-0 flex-1 flex-col overflow-x-hidden overflow-y-auto">
        <Outlet key={name} />
        <Messages />
      </main>
    </div>
  );
}

/** Stands in for a dialog that cannot be loaded, and is left as one. */
function MissingDialog({ onRetry, onClose }: { onRetry: () => void; onClose: () => void }) {
  useKeys({ leave: onClose });
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-2 border-b border-line bg-sunken px-4 py-1.5"
    >
      <span className="text-warn">
        This could not be loaded: the server cannot be reached, or has a newer page.
      </span>
      <Remedies onRetry={onRetry} />
      <Button onClick={onClose}>Close</Button>
    </div>
  );
}

function Name({ name, onChange }: { name: string; onChange: (() => void) | null }) {
  const words = (
    <>
      <span className="sr-only">You are </span>
      <bdi>{name}</bdi>
    </>
  );
  if (onChange === null)
    return (
      <span className="px-2.5 text-dim" title="The server sets your name and accepts none from browsers">
        {words}
      </span>
    );
  return (
    <Button look="quiet" className="min-w-0" onClick={onChange} title="Who you are">
      <span className="max-w-40 truncate">{words}</span>
    </Button>
  );
}

function ConnectionBanner() {
  if (useConnection() !== 'lost') return null;
  return (
    <div role="alert" className="border-b border-line bg-sunken px-4 py-1.5 text-warn">
      The server cannot be reached. What you see may be out of date. What you write is kept here, and the page
      reconnects automatically.
    </div>
  );
}
