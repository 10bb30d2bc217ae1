import type { Verdict } from '@hitl/domain';
import { EnumField, IntegerField, PersonField, TextField, TimeField } from '../http/fields';

/** Rows that an export has at most, when it is asked for a limit. */
const MAX_EXPORT = 1_000_000_000;
/** The verdicts that release a response. */
const RELEASING = ['approve', 'edit'] as const satisfies Verdict[];

const NameField = (description: string) => TextField({ description, min: 1, max: 200, optional: true });

/** Which rows to export. @param window what has the times that are asked for */
function exportFilter(window: string, verdicts: 'Verdict' | readonly Verdict[]) {
  class ExportFilter {
    @TimeField({ description: `${window} at or after this`, optional: true })
    from?: Date;

    @TimeField({ description: `${window} before this`, optional: true })
    to?: Date;

    @NameField('The model that was asked for')
    model?: string;

    @NameField("The policy's rule")
    rule?: string;

    @PersonField({ description: 'Who decided', optional: true })
    reviewer?: string;

    @EnumField(verdicts, { optional: true })
    verdict?: Verdict;

    @IntegerField({
      description: 'Rows at most; all of them unless given',
      min: 1,
      max: MAX_EXPORT,
      optional: true,
    })
    limit?: number;
  }
  return ExportFilter;
}

export class ResponseFilter extends exportFilter('Jobs that ended', RELEASING) {}
export class DecisionsFilter extends exportFilter('Decisions made', 'Verdict') {}
