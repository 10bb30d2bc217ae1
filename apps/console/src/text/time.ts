const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** A length of time in its two largest units, such as `2h 5m`; from an hour on without seconds. */
export function duration(ms: number): string {
  let left = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    if (count > 0 || (parts.length > 0 && parts.length < 2)) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.filter((part) => !part.startsWith('0')).join(' ') || '0s';
}

/** How long ago something was, in its largest unit. */
export function age(since: string | null, now: number): string {
  if (since === null) return '';
  return duration(now - Date.parse(since)).split(' ')[0] ?? '';
}

/** The time that is left; how urgent it is tells its colour. */
export function countdown(
  until: string | null,
  now: number,
): { text: string; urgency: 'over' | 'soon' | 'calm' } | null {
  if (until === null) return null;
  const left = Date.parse(until) - now;
  if (left <= 0) return { text: `${duration(-left).split(' ')[0] ?? ''} over`, urgency: 'over' };
  return { text: duration(left), urgency: left < 5 * 60_000 ? 'soon' : 'calm' };
}

/** A moment in the reader's own way of writing it. */
export function moment(at: string): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** The time of day of a moment, to the second. */
export function timeOfDay(at: string): string {
  return new Date(at).toLocaleTimeString(undefined, { timeStyle: 'medium' });
}

/** A server's words with each of its moments in the reader's own way of writing it. */
export function inOwnTime(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, moment);
}
