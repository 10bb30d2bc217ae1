import { useEffect, useRef, useState } from 'react';
import { Key } from '../keys/act';
import { useKeys } from '../keys/use-keys';
import { reviewer } from '../reviewer';
import { filtersOf, isFiltered, type Filters } from './filters';

/** How long one may pause while typing before the search runs, in milliseconds. */
const TYPING_PAUSE = 200;

interface FilterBarProps {
  filters: Filters;
  /** How many jobs there are; null while nobody knows. */
  total: number | null;
  onChange: (filters: Filters) => void;
}

/** The search and the filters above the queue; each is a part of the address. */
export function FilterBar({ filters, total, onChange }: FilterBarProps) {
  const search = useRef<HTMLInputElement>(null);
  useKeys({ search: () => search.current?.select() });
  const set = (change: { [Name in keyof Filters]?: Filters[Name] | undefined }): void => {
    // What is empty is no filter, and is left out of the address.
    onChange(filtersOf({ ...filters, ...change }));
  };
  const holder = filters.unclaimed ? 'nobody' : filters.claimed_by === reviewer() ? 'me' : '';
  return (
    <div role="search" className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line px-4 py-2">
      <div className="relative min-w-48 flex-1 max-w-md">
        <Typed
          input={search}
          value={filters.q ?? ''}
          label="Search what was asked"
          onChange={(q) => set({ q })}
          className="w-full pr-8"
        />
        <span className="absolute top-1/2 right-2 -translate-y-1/2 text-dim">
          <Key of="search" />
        </span>
      </div>
      <Typed
        value={filters.model ?? ''}
        label="Model"
        onChange={(model) => set({ model })}
        className="w-32"
      />
      <Typed value={filters.rule ?? ''} label="Rule" onChange={(rule) => set({ rule })} className="w-32" />
      <Typed
        value={filters.group ?? ''}
        label="Group"
        onChange={(group) => set({ group })}
        className="w-28"
      />
      <select
        className="field"
        aria-label="Priority"
        value={filters.priority ?? ''}
        onChange={(event) =>
          set({ priority: event.target.value === '' ? undefined : Number(event.target.value) })
        }
      >
        <option value="">Any priority</option>
        {[9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((priority) => (
          <option key={priority} value={priority}>
            Priority {priority}
          </option>
        ))}
      </select>
      <select
        className="field"
        aria-label="Who has it"
        value={holder}
        onChange={({ target: { value } }) =>
          set({
            unclaimed: value === 'nobody' ? true : undefined,
            claimed_by: value === 'me' ? reviewer() : undefined,
          })
        }
      >
        <option value="">Held by anybody</option>
        <option value="nobody">Held by nobody</option>
        <option value="me">Held by me</option>
      </select>
      {isFiltered(filters) && (
        <button type="button" className="button quiet" onClick={() => onChange({})}>
          Clear
        </button>
      )}
      <span className="ml-auto text-dim tabular-nums" aria-live="polite">
        {total !== null && `${total >= 10_000 ? '10,000 or more' : total.toLocaleString('en')} waiting`}
      </span>
    </div>
  );
}

interface TypedProps {
  value: string;
  label: string;
  onChange: (value: string) => void;
  className: string;
  input?: React.RefObject<HTMLInputElement | null>;
}

/** A text field whose change is told once one pauses. */
export function Typed({ value, label, onChange, className, input }: TypedProps) {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (value !== told) {
    setTold(value);
    setText(value);
  }
  const tell = useRef(onChange);
  useEffect(() => {
    tell.current = onChange;
  });
  useEffect(() => {
    if (text === told) return undefined;
    const timer = setTimeout(() => {
      setTold(text);
      tell.current(text);
    }, TYPING_PAUSE);
    return () => {
      clearTimeout(timer);
    };
  }, [text, told]);
  return (
    <input
      ref={input}
      type="search"
      className={`field ${className}`}
      placeholder={label}
      aria-label={label}
      value={text}
      maxLength={200}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
