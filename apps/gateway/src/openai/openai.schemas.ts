type Schema = Record<string, unknown>;

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const nullable = (schema: Schema): Schema => ({ ...schema, nullable: true });
const text = (description?: string): Schema => ({ type: 'string', ...(description && { description }) });
const list = (items: Schema, rest: Schema = {}): Schema => ({ type: 'array', items, ...rest });
/** An object of which these fields are known; models and providers have more, and all of them pass. */
const open = (properties: Record<string, Schema>, required: string[] = [], description?: string): Schema => ({
  type: 'object',
  ...(description && { description }),
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: true,
});
const oneValue = (value: string): Schema => ({ type: 'string', const: value });

const CONTENT = {
  description: 'A text, or content parts such as {"type": "text", "text": "…"}.',
  oneOf: [{ type: 'string' }, list(open({ type: text() }, ['type']))],
  nullable: true,
};
const TOOL_CALLS = list(
  open({
    index: { type: 'integer' },
    id: text(),
    type: text(),
    function: open({ name: text(), arguments: text('JSON, as a text.') }),
  }),
);
const MESSAGE = {
  role: text(),
  content: CONTENT,
  refusal: nullable(text()),
  tool_calls: nullable(TOOL_CALLS),
};
const CHOICE = {
  index: { type: 'integer' },
  finish_reason: nullable(text()),
};
const COMPLETION = {
  id: text(),
  created: { type: 'integer', description: 'Seconds since 1970.' },
  model: text(),
  usage: nullable(
    open({
      prompt_tokens: { type: 'integer' },
      completion_tokens: { type: 'integer' },
      total_tokens: { type: 'integer' },
    }),
  ),
};

/**
 * The shapes of the OpenAI-compatible API, as `toOpenApi31` reads them: the fields that most clients use. OpenAI's own
 * documentation has the others; they pass as they are.
 */
export const OPENAI_SCHEMAS = {
  ChatCompletionRequest: open(
    {
      model: { ...text('The model to ask.'), minLength: 1 },
      messages: list(open({ ...MESSAGE, name: text(), tool_call_id: text() }, ['role']), { minItems: 1 }),
      stream: nullable({ type: 'boolean' }),
      stream_options: nullable(open({ include_usage: { type: 'boolean' } })),
      metadata: nullable({ type: 'object', additionalProperties: true }),
    },
    ['model', 'messages'],
    "A request of OpenAI's Chat Completions.",
  ),
  ChatCompletion: open(
    {
      ...COMPLETION,
      object: text(),
      choices: list(open({ ...CHOICE, message: open(MESSAGE) }, ['message'])),
    },
    ['choices'],
    'What a human approved.',
  ),
  ChatCompletionChunk: open(
    { ...COMPLETION, object: text(), choices: list(open({ ...CHOICE, delta: open(MESSAGE) })) },
    [],
    'The data of one server-sent event of a stream; the last event is [DONE].',
  ),
  ResponseRequest: open(
    {
      model: { ...text('The model to ask.'), minLength: 1 },
      input: { oneOf: [{ type: 'string', minLength: 1 }, list(open({}), { minItems: 1 })] },
      instructions: nullable(text()),
      background: nullable({ type: 'boolean', description: 'Answer at once; poll for the rest.' }),
      metadata: nullable({ type: 'object', additionalProperties: true }),
    },
    ['model', 'input'],
    "A request of OpenAI's Responses.",
  ),
  ResponseObject: open(
    {
      id: text('resp_ and the job’s id.'),
      object: oneValue('response'),
      created_at: { type: 'integer', description: 'Seconds since 1970.' },
      status: {
        type: 'string',
        enum: ['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'],
        description: 'queued: waits for the model. in_progress: waits for a human.',
      },
      model: nullable(text()),
      output: list(open({ type: text(), id: text(), status: text() }, ['type'])),
      error: nullable(open({ type: text(), code: text(), message: text(), param: nullable(text()) })),
      incomplete_details: nullable(open({ reason: text() })),
      usage: nullable(open({})),
      metadata: nullable({ type: 'object', additionalProperties: true }),
    },
    ['id', 'object', 'created_at', 'status', 'output'],
    'A response, with its output once a human has approved it.',
  ),
  Model: open({ id: text(), object: oneValue('model'), created: { type: 'integer' }, owned_by: text() }, [
    'id',
    'object',
    'created',
    'owned_by',
  ]),
  ModelList: {
    type: 'object',
    properties: { object: oneValue('list'), data: list(ref('Model')) },
    required: ['object', 'data'],
  },
} satisfies Record<string, Schema>;

/** A reference to one of {@link OPENAI_SCHEMAS}. */
export function schemaOf(name: keyof typeof OPENAI_SCHEMAS): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}
