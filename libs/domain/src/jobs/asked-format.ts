import { isJsonObject, type Json } from '../json';

type JsonObject = { [key: string]: Json };

/** JSON is wanted, of this schema where there is one. */
export interface Format {
  schema?: Json;
}

/** The format that a request asks its answer to have; null: any. */
export function formatOf(request: JsonObject): Format | null {
  const { response_format: chat, text, output_config: config, output_format: older } = request;
  const wanted = [
    chat,
    isJsonObject(text) ? text.format : undefined,
    isJsonObject(config) ? config.format : undefined,
    older,
  ].find(isJsonObject);
  if (!wanted || (wanted.type !== 'json_schema' && wanted.type !== 'json_object')) return null;
  const inner = isJsonObject(wanted.json_schema) ? wanted.json_schema.schema : undefined;
  const schema = inner ?? wanted.schema;
  return isJsonObject(schema) || typeof schema === 'boolean' ? { schema } : {};
}

/** The functions that a request offers by their names, with the schemas of their parameters; null: any. */
export function toolsOf({ tools, functions }: JsonObject): Map<string, Json> {
  const offered = [...(Array.isArray(tools) ? tools : []), ...(Array.isArray(functions) ? functions : [])];
  const found = new Map<string, Json>();
  for (const tool of offered.filter(isJsonObject)) {
    const about = isJsonObject(tool.function) ? tool.function : tool;
    if (typeof about.name === 'string') found.set(about.name, about.parameters ?? about.input_schema ?? null);
  }
  return found;
}
