import type { Json } from '../api/client';
import { LongText, Prose } from '../text/prose';
import { visible } from '../text/hygiene';
import { written } from './answer';
import { JsonTree } from './json-tree';
import { conversationOf } from './request';

const ROLE_LOOK: Record<string, string> = { user: 'border-l-accent', assistant: 'border-l-good' };

/** What was asked: a conversation where it is one, else a tree; or as it came. */
export function RequestView({ payload, raw }: { payload: Json; raw: boolean }) {
  if (raw) return <LongText text={written(payload)} language="json" label="The request as it came" />;
  const conversation = conversationOf(payload);
  if (conversation === null) {
    if (typeof payload === 'string') return <Prose text={payload} label="The request" />;
    return <JsonTree value={payload} label="The request" />;
  }
  return (
    <div className="flex flex-col gap-3">
      {conversation.turns.map(({ role, text, rest }, index) => (
        <article
          key={index}
          aria-label={`${role}'s message`}
          className={`panel border-l-4 px-3 py-2 ${ROLE_LOOK[role] ?? ''}`}
        >
          <h3 className="mb-1 text-xs font-semibold text-dim">{visible(role)}</h3>
          {(text !== '' || rest === null) && <Prose text={text} label={`${role}'s message`} />}
          {rest !== null && <JsonTree value={rest} label="More of this message" />}
        </article>
      ))}
      {conversation.rest !== null && (
        <details>
          <summary className="cursor-pointer text-dim">Parameters</summary>
          <JsonTree value={conversation.rest} label="Parameters" />
        </details>
      )}
    </div>
  );
}
