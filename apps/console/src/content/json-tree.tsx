import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { kindOf, stringOf, type JsonSource } from '../json/source';
import { clip, visible } from '../text/hygiene';
import { rowsOf, showMore, toggle, UNTOUCHED, type JsonRow } from './json-rows';

/** Characters of a text that are shown at first, and at most: beyond, there is the raw view. */
const FIRST_CHARACTERS = 600;
const MAX_CHARACTERS = 50_000;
/** Rows that are all on the page; more are only where one looks. */
const FEW = 200;
/** Deeper rows are not moved in any further, in levels. */
const DEEPEST_INDENT = 24;

/** Any JSON as a tree whose parts open and close. */
export function JsonTree({ json, label }: { json: JsonSource; label: string }) {
  const [openings, setOpenings] = useState(UNTOUCHED);
  const rows = useMemo(() => rowsOf(json, openings), [json, openings]);
  const scroller = useRef<HTMLDivElement>(null);
  const isLong = rows.length > FEW;
  const virtual = useVirtualizer({
    count: isLong ? rows.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => 22,
    overscan: 20,
  });
  const lineOf = (row: JsonRow) => (
    <Line
      row={row}
      onToggle={() => setOpenings(toggle(openings, row.path))}
      onMore={() => setOpenings(showMore(openings, row.path))}
    />
  );
  if (!isLong) {
    return (
      <div className="mono" role="group" aria-label={label}>
        {rows.map((row) => (
          <div key={row.path + row.kind}>{lineOf(row)}</div>
        ))}
      </div>
    );
  }
  return (
    <div
      ref={scroller}
      className="mono max-h-[70vh] overflow-auto"
      role="group"
      aria-label={label}
      tabIndex={0}
    >
      <div className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          return (
            row && (
              <div
                key={row.path + row.kind}
                ref={virtual.measureElement}
                data-index={index}
                className="absolute inset-x-0"
                style={{ transform: `translateY(${start}px)` }}
              >
                {lineOf(row)}
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

interface LineProps {
  row: JsonRow;
  onToggle: () => void;
  onMore: () => void;
}

function Line({ row, onToggle, onMore }: LineProps) {
  const { depth, name, json, isText, kind, count } = row;
  // On a narrow screen there must be room left for what is moved in.
  const indent = { paddingInlineStart: `min(${Math.min(depth, DEEPEST_INDENT) * 14}px, 40%)` };
  const field = name !== null && <span className="text-accent">{visible(clip(name, 200).text)}: </span>;
  if (kind === 'more') {
    return (
      <button type="button" className="cursor-pointer text-accent underline" style={indent} onClick={onMore}>
        show more: {count.toLocaleString('en')} are hidden
      </button>
    );
  }
  if (kind === 'leaf') {
    return (
      <div style={indent} className="[overflow-wrap:anywhere] whitespace-pre-wrap">
        <span className="inline-block w-4" />
        {field}
        <Leaf json={json} />
      </div>
    );
  }
  const size = `${isText ? 'text that holds ' : ''}${kindOf(json) === 'array' ? `[${count}]` : `{${count}}`}`;
  if (kind === 'too deep') {
    return (
      <div style={indent}>
        {field}
        <span className="text-warn">{size} nested too deeply to be shown; see raw</span>
      </div>
    );
  }
  return (
    <button
      type="button"
      className="block min-h-6 w-full cursor-pointer text-start [overflow-wrap:anywhere] hover:bg-sunken"
      style={indent}
      aria-expanded={kind === 'open'}
      onClick={onToggle}
    >
      <span aria-hidden="true" className="inline-block w-4 text-dim">
        {kind === 'open' ? '▾' : '▸'}
      </span>
      {field}
      <span className="text-dim">{size}</span>
    </button>
  );
}

function Leaf({ json }: { json: JsonSource }) {
  const [all, setAll] = useState(false);
  const words = useMemo(() => stringOf(json), [json]);
  const whole = words ?? json;
  const { text, cut } = clip(whole, all ? MAX_CHARACTERS : FIRST_CHARACTERS);
  return (
    <>
      {words === null ? (
        <span className="text-warn">{text}</span>
      ) : (
        <span className="text-good">
          “<bdi>{visible(text)}</bdi>”
        </span>
      )}
      {cut && !all && (
        <button type="button" className="cursor-pointer text-accent underline" onClick={() => setAll(true)}>
          … show all ({whole.length.toLocaleString('en')} characters)
        </button>
      )}
      {cut && all && <span className="text-dim"> … cut: see raw for all of it</span>}
    </>
  );
}
