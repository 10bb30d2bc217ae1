/** How often two raters gave one verdict and another one: `first`'s and `second`'s, in `count` pairs. */
export interface RatedPairs {
  first: string;
  second: string;
  count: number;
}

export interface Agreement {
  pairs: number;
  /** Pairs of the same verdict. */
  agreed: number;
  /** Cohen's kappa, to four digits: 1 is full agreement, 0 is what chance brings. Null where it is not defined. */
  kappa: number | null;
}

/** Cohen's kappa: (po - pe) / (1 - pe), with the agreement that was seen and the one that the raters' habits alone would bring. */
export function agreementOf(rated: RatedPairs[]): Agreement {
  const first = new Map<string, number>();
  const second = new Map<string, number>();
  let pairs = 0;
  let agreed = 0;
  for (const pair of rated) {
    pairs += pair.count;
    if (pair.first === pair.second) agreed += pair.count;
    first.set(pair.first, (first.get(pair.first) ?? 0) + pair.count);
    second.set(pair.second, (second.get(pair.second) ?? 0) + pair.count);
  }
  let byChance = 0;
  for (const [verdict, count] of first) byChance += count * (second.get(verdict) ?? 0);
  const pe = byChance / pairs ** 2;
  const isDefined = pairs > 0 && byChance !== pairs ** 2;
  return { pairs, agreed, kappa: isDefined ? Number(((agreed / pairs - pe) / (1 - pe)).toFixed(4)) : null };
}
