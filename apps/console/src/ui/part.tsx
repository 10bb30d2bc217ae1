import { Component, Suspense, use, useState, type ComponentType, type ReactNode } from 'react';
import { Button } from './button';
import { Loading, Notice } from './states';

/** How long the server may take to say that it is there, in milliseconds. */
const REACH_TIMEOUT_MS = 5000;

/** How long a browser without idle callbacks waits for an idle moment, in milliseconds. */
const IDLE_MS = 500;

interface PartProps {
  /** Shown while the part is loading; its name unless given. */
  meanwhile?: ReactNode;
  /** Shown where the part cannot be loaded, with what tries again; a notice unless given. */
  otherwise?: (retry: () => void) => ReactNode;
}

/** Parts that are not loaded yet; a part brings others with it. */
const unloaded: (() => Promise<void>)[] = [];
/** Loads the next of them, once {@link preloadParts} is called and while none is loading. */
let preloadNext: (() => void) | null = null;

/**
 * A part of the console that is loaded when it is needed, or earlier by {@link preloadParts}. Where it cannot be loaded
 * or shown, the rest of the page stays.
 * @param name what it is, such as `the editor`
 */
export function part<Props extends object>(name: string, load: () => Promise<ComponentType<Props>>) {
  let loading: Promise<ComponentType<Props>> | undefined;
  let hasFailed = false;
  const start = (): Promise<ComponentType<Props>> => {
    hasFailed = false;
    loading = load();
    loading.catch(() => {
      hasFailed = true;
    });
    return loading;
  };
  const forgetFailure = (): void => {
    if (hasFailed) loading = undefined;
  };
  function Loaded(props: Props) {
    const Part = use(loading ?? start());
    return <Part {...props} />;
  }
  function Part({ meanwhile, otherwise, ...props }: Props & PartProps) {
    // What could not be loaded before may be there now.
    useState(forgetFailure);
    return (
      <Boundary
        otherwise={otherwise ?? ((retry) => <NotLoaded name={name} onRetry={retry} />)}
        onRetry={forgetFailure}
      >
        <Suspense fallback={meanwhile === undefined ? <Loading what={name} /> : meanwhile}>
          <Loaded {...(props as unknown as Props)} />
        </Suspense>
      </Boundary>
    );
  }
  Part.preload = async (): Promise<void> => {
    forgetFailure();
    await (loading ?? start()).catch(() => undefined);
  };
  unloaded.push(Part.preload);
  preloadNext?.();
  return Part;
}

/** Loads every part, one after the other, while nothing else is to do: offline, or after a new version, they are there. */
export function preloadParts(): void {
  // Safari has no idle callbacks.
  const whenIdle = (task: () => void): void => {
    if ('requestIdleCallback' in window) requestIdleCallback(task);
    else setTimeout(task, IDLE_MS);
  };
  const next = (): void => {
    const preload = unloaded.shift();
    preloadNext = preload ? null : next;
    if (preload) whenIdle(() => void preload().then(next));
  };
  next();
}

interface BoundaryProps {
  otherwise: (retry: () => void) => ReactNode;
  onRetry: () => void;
  children: ReactNode;
}

class Boundary extends Component<BoundaryProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    return this.props.otherwise(() => {
      this.props.onRetry();
      this.setState({ hasFailed: false });
    });
  }
}

/** Says that a part is missing, and offers what brings it back. */
export function NotLoaded({ name, onRetry }: { name: string; onRetry: () => void }) {
  return (
    <Notice
      title={`${name.charAt(0).toUpperCase()}${name.slice(1)} could not be loaded`}
      action={<Remedies onRetry={onRetry} />}
    >
      The server cannot be reached, or it has a newer version of this page. What you wrote is kept in this
      browser.
    </Notice>
  );
}

/** Tries again, or loads the page anew: only once the server is there, since a browser keeps nothing of a page that it cannot load. */
export function Remedies({ onRetry }: { onRetry: () => void }) {
  const [state, setState] = useState<'idle' | 'asking' | 'unreachable'>('idle');
  const reload = async (): Promise<void> => {
    setState('asking');
    try {
      const { ok } = await fetch(location.href, {
        cache: 'no-store',
        signal: AbortSignal.timeout(REACH_TIMEOUT_MS),
      });
      if (ok) location.reload();
      else setState('unreachable');
    } catch {
      setState('unreachable');
    }
  };
  return (
    <div className="flex flex-wrap items-center justify-center gap-2">
      <Button onClick={onRetry}>Try again</Button>
      <Button disabled={state === 'asking'} onClick={() => void reload()}>
        Reload (your edit is kept)
      </Button>
      <p role="status" className="w-full text-warn empty:hidden">
        {state === 'unreachable' &&
          'The server cannot be reached yet. Nothing is lost: try again when it is back.'}
      </p>
    </div>
  );
}
