import type { Config } from './config';
import { retentionOf } from './decorators';

/** For how many days after its end the contents of a project's job are kept; null: for ever. */
export function retentionDays({ RETENTION_DAYS = 'off' }: Config, project: string): number | null {
  const days = retentionOf(RETENTION_DAYS);
  const kept = days?.get(project) ?? days?.get('') ?? Infinity;
  return kept === Infinity ? null : kept;
}
