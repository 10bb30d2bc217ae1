type Schema = Record<string, unknown>;

const text = (description?: string): Schema => ({ type: 'string', ...(description && { description }) });
const integer = (): Schema => ({ type: 'integer' });
const nullable = (schema: Schema): Schema => ({ ...schema, nullable: true });
const list = (items: Schema, rest: Schema = {}): Schema => ({ type: 'array', items, ...rest });
/** An object of which these fields are known; models and providers have more, and all of them pass. */
const open = (properties: Record<string, Schema>, required: string[] = [], description?: string): Schema => ({
  type: 'object',
  ...(description && { description }),
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: true,
});

const BLOCK = open({ type: text(), text: text() }, ['type'], 'A content block of any type.');
const CONTENT = { oneOf: [{ type: 'string' }, list(BLOCK)] };
const USAGE = open({ input_tokens: integer(), output_tokens: integer() });

/**
 * The shapes of Anthropic's door, as `toOpenApi31` reads them: the fields that most clients use. Anthropic's own
 * documentation has the others; they pass as they are.
 */
export const ANTHROPIC_SCHEMAS = {
  MessageRequest: open(
    {
      model: { ...text('The model to ask.'), minLength: 1 },
      messages: list(open({ role: text(), content: CONTENT }, ['role']), { minItems: 1 }),
      system: CONTENT,
      max_tokens: integer(),
      stream: nullable({ type: 'boolean' }),
      metadata: nullable({ type: 'object', additionalProperties: true }),
    },
    ['model', 'messages'],
    "A request of Anthropic's Messages API.",
  ),
  Message: open(
    {
      id: text(),
      type: { type: 'string', const: 'message' },
      role: text(),
      model: text(),
      content: list(BLOCK),
      stop_reason: nullable(text('`refusal`: also where a reviewer has rejected the response.')),
      stop_sequence: nullable(text()),
      usage: USAGE,
    },
    ['type', 'content'],
    'What a human approved.',
  ),
  MessageEvent: open(
    {
      type: text('`ping`, `message_start`, `content_block_start`, …, `message_stop`, or `error`.'),
      index: integer(),
    },
    ['type'],
    'The data of one server-sent event of a stream.',
  ),
} satisfies Record<string, Schema>;

/** A reference to one of {@link ANTHROPIC_SCHEMAS}. */
export function schemaOf(name: keyof typeof ANTHROPIC_SCHEMAS): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}
