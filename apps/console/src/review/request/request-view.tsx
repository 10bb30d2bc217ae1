import { laidOut, NULL, stringOf, type JsonSource } from '../../json/source';
import { LongText, Prose } from '../../content/prose';
import { visible } from '../../text/hygiene';
import { JsonTree } from '../../content/json-tree';
import { conversationOf } from './request';

const ROLE_LOOK: Record<string, string> = { user: 'border-l-accent', assistant: 'border-l-good' };

/** What was asked: a conversation where it is one, else a tree; or as it came. */
export function RequestView({ payload: asked, raw }: { payload: JsonSource | null; raw: boolean }) {
  const payload = asked ?? NULL;
  if (raw) return <LongText text={laidOut(payload)} language="json" label="The request as it came" />;
  const conversation = conversationOf(payload);
  if (conversation === null) {
    const text = stringOf(payload);
    if (text !== null) return <Prose text={text} label="The request" />;
    return <JsonTree json={payload} label="The request" />;
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
          {rest !== null && <JsonTree json={rest} label="More of this message" />}
        </article>
      ))}
      {conversation.rest !== null && (
        <details>
          <summary className="cursor-pointer text-dim">Parameters</summary>
          <JsonTree json={conversation.rest} label="Parameters" />
        </details>
      )}
    </div>
  );
}
