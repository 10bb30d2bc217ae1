import { BASE } from './base';

/** The address of an export, with the filters that are given. */
export function exportOf(file: string, filters: Record<string, string | null | undefined>): string {
  const given = Object.entries(filters).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `${BASE}/v1/exports/${file}?${new URLSearchParams(given).toString()}`;
}
