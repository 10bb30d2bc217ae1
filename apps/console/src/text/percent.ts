/** A share from 0 to 1 as people write it; a dash where there is none. */
export function percent(share: number | null): string {
  return share === null ? '–' : share.toLocaleString('en', { style: 'percent', maximumFractionDigits: 0 });
}
