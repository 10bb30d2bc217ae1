import { expect } from '@jest/globals';

/** A server-sent event of /v1. */
export interface StreamedEvent {
  id: string;
  event: string;
  data: any;
}

/** Reads server-sent events until `enough`, then goes away; or to the stream's end. */
export async function readEvents(
  url: string,
  {
    lastEventId,
    enough = () => false,
  }: { lastEventId?: string; enough?: (events: StreamedEvent[]) => boolean } = {},
): Promise<StreamedEvent[]> {
  const response = await fetch(url, { headers: lastEventId ? { 'last-event-id': lastEventId } : {} });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const events: StreamedEvent[] = [];
  let text = '';
  for await (const bytes of response.body!) {
    text += Buffer.from(bytes as Uint8Array).toString();
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
      );
      if (fields.data) events.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) });
    }
    if (enough(events)) break;
  }
  return events;
}
