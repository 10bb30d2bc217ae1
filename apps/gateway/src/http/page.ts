import { BooleanField, IntegerField, TextField } from './fields';

/** Entries that a page has at most. */
const MAX_PAGE = 200;
/** Entries that a page has unless asked. */
export const DEFAULT_PAGE = 50;

/** How many entries a page is to have. */
export const LimitField = (max = MAX_PAGE): PropertyDecorator =>
  IntegerField({ min: 1, max, optional: true, default: DEFAULT_PAGE });

/** Whether and where a list goes on. */
export class Page {
  @BooleanField()
  has_more: boolean;

  @TextField({ nullable: true, description: 'Pass it as cursor to go on.' })
  next_cursor: string | null;
}

/** A page of at most `limit` jobs out of `limit + 1` that were read. */
export function toPage<Row, Dto>(
  jobs: Row[],
  limit: number,
  toDto: (job: Row) => Dto,
  cursorOf: (job: Row) => string,
): { data: Dto[]; has_more: boolean; next_cursor: string | null } {
  const shown = jobs.slice(0, limit);
  const last = shown.at(-1);
  const more = jobs.length > limit;
  return { data: shown.map(toDto), has_more: more, next_cursor: more && last ? cursorOf(last) : null };
}
