import type { Review } from '../../api/client';
import { NULL, stringOf } from '../../json/source';
import { clip, visible } from '../../text/hygiene';
import { lineOf } from '../../text/line';
import { conversationOf } from './request';

/** What a job is called: what was asked last, in one line. */
export function titleOf({ id, payload: json, erased_at }: Review): string {
  if (erased_at !== null) return `Job ${id}`;
  const payload = json ?? NULL;
  const asked = conversationOf(payload)?.turns.findLast(({ role }) => role === 'user')?.text;
  const line = lineOf(clip(asked ?? stringOf(payload) ?? payload, 1000).text);
  return line === '' ? `Job ${id}` : visible(clip(line, 200).text);
}
