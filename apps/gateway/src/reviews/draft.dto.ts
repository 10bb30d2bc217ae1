import type { Draft, JsonText } from '@hitl/domain';
import { IntegerField, JsonField, TimeField } from '../http/fields';
import { MAX_REVISION } from './decision.dto';

export class SaveDraft {
  @IntegerField({ min: 1, max: MAX_REVISION, description: 'The revision that it was begun on' })
  revision: number;

  @JsonField({ description: 'Whatever the reviewer has written so far.' })
  content: JsonText;
}

export class DraftDto {
  @IntegerField()
  revision: number;

  @JsonField({ description: 'Whatever was saved.' })
  content: JsonText;

  @TimeField()
  updated_at: string;
}

export function toDraft(draft: Draft): DraftDto {
  return { revision: draft.revision, content: draft.content, updated_at: draft.updatedAt.toISOString() };
}
