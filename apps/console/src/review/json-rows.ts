import type { Json } from '../api/client';
import { isObject } from './answer';

/** Depth down to which values are open at first, and at most. */
const OPEN_DEPTH = 2;
const DEEPEST = 100;
/** A value of at most so many parts is open to its depth at first: what is delivered is seen. */
const SMALL = 100;
/** Members of one value that are shown at first; each wish for more shows this many times as many. */
const FIRST_MEMBERS = 100;
const MORE = 10;
/** Rows there are at most. */
const MOST_ROWS = 200_000;

export interface JsonRow {
  /** Where it is, as a JSON pointer. */
  path: string;
  depth: number;
  /** The field's name, or the place in an array. */
  name: string | null;
  value: Json;
  kind: 'open' | 'closed' | 'leaf' | 'more' | 'too deep';
  /** Members that it has, or with `more` that are not shown. */
  count: number;
}

/** What a reader has opened, closed and asked more of. */
export interface Openings {
  toggled: ReadonlySet<string>;
  more: ReadonlyMap<string, number>;
}

export const UNTOUCHED: Openings = { toggled: new Set(), more: new Map() };

export function toggle({ toggled, more }: Openings, path: string): Openings {
  const next = new Set(toggled);
  if (!next.delete(path)) next.add(path);
  return { toggled: next, more };
}

export function showMore({ toggled, more }: Openings, path: string): Openings {
  return { toggled, more: new Map(more).set(path, (more.get(path) ?? FIRST_MEMBERS) * MORE) };
}

/** The lines of a tree, in order. Walks with a list of its own, so that no nesting is too deep for it. */
export function rowsOf(root: Json, { toggled, more }: Openings): JsonRow[] {
  const rows: JsonRow[] = [];
  const openDepth = isSmall(root) ? DEEPEST : OPEN_DEPTH;
  type Step = Omit<JsonRow, 'kind' | 'count'> & { left?: number };
  const steps: Step[] = [{ path: '', depth: 0, name: null, value: root }];
  for (let step = steps.pop(); step && rows.length < MOST_ROWS; step = steps.pop()) {
    const { path, depth, name, value, left } = step;
    if (left !== undefined) {
      rows.push({ path, depth, name, value: null, kind: 'more', count: left });
      continue;
    }
    const members = Array.isArray(value)
      ? value.map((member, index): [string, Json] => [String(index), member])
      : isObject(value)
        ? Object.entries(value)
        : [];
    if (members.length === 0) {
      rows.push({ path, depth, name, value, kind: 'leaf', count: 0 });
      continue;
    }
    if (depth >= DEEPEST) {
      rows.push({ path, depth, name, value, kind: 'too deep', count: members.length });
      continue;
    }
    const isOpen = depth < openDepth !== toggled.has(path);
    rows.push({ path, depth, name, value, kind: isOpen ? 'open' : 'closed', count: members.length });
    if (!isOpen) continue;
    const shown = members.slice(0, more.get(path) ?? FIRST_MEMBERS);
    const hidden = members.length - shown.length;
    if (hidden > 0) steps.push({ path, depth: depth + 1, name: null, value: null, left: hidden });
    for (const [member, inner] of shown.reverse()) {
      steps.push({
        path: `${path}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        depth: depth + 1,
        name: member,
        value: inner,
      });
    }
  }
  return rows;
}

function isSmall(root: Json): boolean {
  const parts: Json[] = [root];
  // The list grows while it is walked, and is given up once it is long.
  for (let index = 0; index < parts.length && parts.length <= SMALL; index += 1) {
    const part = parts[index] ?? null;
    const members = Array.isArray(part) ? part : isObject(part) ? Object.values(part) : [];
    if (members.length > SMALL) return false;
    parts.push(...members);
  }
  return parts.length <= SMALL;
}
