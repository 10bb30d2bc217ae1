import { useRef, useState } from 'react';
import { Button } from '../ui/button';
import { Key } from '../ui/act';
import { Typed } from '../ui/typed';
import { useKeys } from '../keys/use-keys';
import { reviewer } from '../api/reviewer';
import { filtersOf, isFiltered, type Filters } from './filters';
import type { KnownNames } from './queue-data';

/** Filters by a name that must be written in full. */
const NAMED = [
  { name: 'model', label: 'Model' },
  { name: 'rule', label: 'Rule' },
  { name: 'group', label: 'Group' },
] as const;

interface FilterBarProps {
  filters: Filters;
  /** Names that may be chosen. */
  known: KnownNames;
  /** How many jobs there are; null while nobody knows. */
  total: number | null;
  onChange: (filters: Filters) => void;
}

/** The search and the filters above the queue; each is a part of the address. */
export function FilterBar({ filters, known, total, onChange }: FilterBarProps) {
  const search = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState(
    () => filters.without !== undefined || NAMED.some(({ name }) => filters[name] !== undefined),
  );
  useKeys({ search: () => search.current?.select() });
  const set = (change: { [Name in keyof Filters]?: Filters[Name] | undefined }): void => {
    // What is empty is no filter, and is left out of the address.
    onChange(filtersOf({ ...filters, ...change }));
  };
  const holder = filters.decidable
    ? 'mine to decide'
    : filters.unclaimed
      ? 'nobody'
      : filters.claimed_by === reviewer()
        ? 'me'
        : '';
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
      <Button
        className="sm:hidden"
        aria-expanded={open}
        aria-controls="filters"
        onClick={() => setOpen(!open)}
      >
        Filters
      </Button>
      <div id="filters" className={`flex flex-wrap items-center gap-2 ${open ? '' : 'max-sm:hidden'}`}>
        {NAMED.map(({ name, label }) => (
          <Typed
            key={name}
            value={filters[name] ?? ''}
            label={label}
            known={known[name]}
            onChange={(text) => set({ [name]: text })}
            className="w-34"
          />
        ))}
        {filters.without !== undefined && (
          <button
            type="button"
            className="chip cursor-pointer hover:border-dim"
            title="Remove this filter"
            onClick={() => set({ without: undefined })}
          >
            {filters.without === 'group' ? 'for everyone' : `no ${filters.without}`}
            <span aria-hidden="true">×</span>
            <span className="sr-only">: remove this filter</span>
          </button>
        )}
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
              decidable: value === 'mine to decide' ? true : undefined,
            })
          }
        >
          <option value="">Claimed by anyone</option>
          <option value="mine to decide">That I can decide</option>
          <option value="nobody">Claimed by nobody</option>
          <option value="me">Claimed by me</option>
        </select>
      </div>
      {isFiltered(filters) && (
        <Button look="quiet" onClick={() => onChange({})}>
          Clear
        </Button>
      )}
      <span className="ml-auto text-dim tabular-nums">
        {total !== null && `${total >= 10_000 ? '10,000 or more' : total.toLocaleString('en')} waiting`}
      </span>
    </div>
  );
}
