import { jsonSource, membersOf, pointerPart, stringOf, type JsonSource } from '../json/source';

/** Depth down to which values are open at first, and at most. */
const OPEN_DEPTH = 2;
const DEEPEST = 100;
/** A value of at most so many parts is open to its depth at first: what is delivered is seen. */
const SMALL = 100;
/** Members of one value that are shown at first; each wish for more shows this many times as many. */
const FIRST_MEMBERS = 100;
const MORE = 10;
/** Rows there are at most. */
const MAX_ROWS = 200_000;

export interface JsonRow {
  /** Where it is, as a JSON pointer. */
  path: string;
  depth: number;
  /** The field's name, or the place in an array. */
  name: string | null;
  json: JsonSource;
  /** Whether it is a text that holds the JSON which is shown, as the arguments of a call are. */
  isText: boolean;
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
export function rowsOf(root: JsonSource, { toggled, more }: Openings): JsonRow[] {
  const rows: JsonRow[] = [];
  const openDepth = isSmall(root) ? DEEPEST : OPEN_DEPTH;
  type Step = Pick<JsonRow, 'path' | 'depth' | 'name' | 'json'> & { left?: number };
  const steps: Step[] = [{ path: '', depth: 0, name: null, json: root }];
  for (let step = steps.pop(); step && rows.length < MAX_ROWS; step = steps.pop()) {
    const { path, depth, name, left } = step;
    if (left !== undefined) {
      rows.push({ ...step, isText: false, kind: 'more', count: left });
      continue;
    }
    const inside = name === 'arguments' ? jsonInside(step.json) : null;
    const json = inside ?? step.json;
    const row = { path, depth, name, json, isText: inside !== null };
    const { members, count } = membersOf(json, more.get(path) ?? FIRST_MEMBERS);
    const isOpen = depth < openDepth !== toggled.has(path);
    if (count === 0) rows.push({ ...row, kind: 'leaf', count });
    else if (depth >= DEEPEST) rows.push({ ...row, kind: 'too deep', count });
    else rows.push({ ...row, kind: isOpen ? 'open' : 'closed', count });
    if (count === 0 || depth >= DEEPEST || !isOpen) continue;
    const inner: Step[] = [];
    const paths = new Set<string>();
    for (const { name: member, json: value } of members) {
      let place = `${path}/${pointerPart(member)}`;
      // A name may be there twice.
      while (paths.has(place)) place += ' again';
      paths.add(place);
      inner.push({ path: place, depth: depth + 1, name: member, json: value });
    }
    const hidden = count - members.length;
    if (hidden > 0) inner.push({ path, depth: depth + 1, name: null, json, left: hidden });
    steps.push(...inner.reverse());
  }
  return rows;
}

/** The object or array that a text holds; null: it holds none, or nothing is in it. */
function jsonInside(json: JsonSource): JsonSource | null {
  try {
    const inside = jsonSource(stringOf(json) ?? '');
    return membersOf(inside, 0).count > 0 ? inside : null;
  } catch {
    return null;
  }
}

function isSmall(root: JsonSource): boolean {
  const parts: JsonSource[] = [root];
  // The list grows while it is walked, and is given up once it is long.
  for (let index = 0; index < parts.length && parts.length <= SMALL; index += 1) {
    const { members, count } = membersOf(parts[index] ?? root, SMALL);
    if (count > SMALL) return false;
    parts.push(...members.map(({ json }) => json));
  }
  return parts.length <= SMALL;
}
