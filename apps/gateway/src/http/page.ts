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
