import { jsonSource, membersOf, quoted, type JsonSource } from '../json/source';

/** The members that hold what a submitter or a model has written: as they are, and never parsed and written anew. */
const NAMES = ['payload', 'original_payload', 'response', 'model_response'] as const;
/** Lists of objects that have such members. */
const LISTS = ['outputs'];

type Name = (typeof NAMES)[number];

/** An answer of the gateway, or what is sent to it, in which these members are JSON as it was written; null is none. */
export type Verbatim<Data> = Data extends (infer Each)[]
  ? Verbatim<Each>[]
  : Data extends object
    ? {
        [Key in keyof Data]: Key extends Name
          ? JsonSource | Extract<Data[Key], undefined> | null
          : Verbatim<Data[Key]>;
      }
    : Data;

const isVerbatim = (name: string): boolean => (NAMES as readonly string[]).includes(name);

/** The body of an answer, in which what was written by others is a string that holds it. Anything but JSON is as it was. */
export function withSources(body: string): string {
  try {
    return rewritten(jsonSource(body));
  } catch {
    return body;
  }
}

function rewritten(json: JsonSource): string {
  if (json.startsWith('['))
    return `[${membersOf(json)
      .members.map((each) => rewritten(each.json))
      .join(',')}]`;
  const { members } = membersOf(json);
  let text = '';
  let done = 0;
  for (const { name, json: value, at } of members) {
    const changed =
      isVerbatim(name) && value !== 'null' ? quoted(value) : LISTS.includes(name) ? rewritten(value) : value;
    text += json.slice(done, at) + changed;
    done = at + value.length;
  }
  return text + json.slice(done);
}

/** The body of a request, in which what was written by others stands as it was written. */
export function bodyOf(data: unknown): string {
  const members = Object.entries(data as object).flatMap(([name, value]: [string, unknown]) => {
    const json = isVerbatim(name) ? (value as JsonSource | null | undefined) : JSON.stringify(value);
    return json === undefined ? [] : [`${quoted(name)}:${json}`];
  });
  return `{${members.join(',')}}`;
}
