import { UNIONS, type UnionOf } from '../api/unions';

export type Counts = Record<UnionOf<'Verdict'>, number>;

/** The marks of a scale from 0 to at least `max`: whole round numbers, five at most. */
export function marksTo(max: number): number[] {
  const rough = Math.max(1, max) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, Math.ceil(([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power));
  const marks = [0];
  while ((marks.at(-1) ?? 0) < max) marks.push(marks.length * step);
  return marks.length > 1 ? marks : [0, step];
}

export interface Piece<Name extends string> {
  name: Name;
  from: number;
  to: number;
}

/** Counts put one upon the other, without those of nothing. */
export function stacked<Name extends string>(
  counts: Readonly<Record<Name, number>>,
  names: readonly Name[],
): Piece<Name>[] {
  let top = 0;
  const pieces: Piece<Name>[] = [];
  for (const name of names) {
    const from = top;
    top += counts[name];
    if (top > from) pieces.push({ name, from, to: top });
  }
  return pieces;
}

/** How many all of these are. */
export function totalOf(counts: Counts): number {
  return UNIONS.Verdict.reduce((sum, name) => sum + counts[name], 0);
}

/** The moments of a window that its axis names: midnights, or every third full hour, of the reader's own day. */
export function ticksOf(from: Date, until: Date, hours: boolean): Date[] {
  const tick = new Date(from);
  if (hours) tick.setMinutes(0, 0, 0);
  else tick.setHours(0, 0, 0, 0);
  const ticks: Date[] = [];
  while (tick < until) {
    if (tick >= from && (!hours || tick.getHours() % 3 === 0)) ticks.push(new Date(tick));
    if (hours) tick.setHours(tick.getHours() + 1);
    else tick.setDate(tick.getDate() + 1);
  }
  return ticks;
}
