import { Injectable, Logger } from '@nestjs/common';
import { Config, modelRoutes, offeredModels, type ProviderSettings } from '@hitl/config';
import { isJsonObject } from '@hitl/domain';

/** How long a provider's list is remembered, and how long it may take, in milliseconds. */
const REMEMBERED = 60_000;
const TIMEOUT = 3000;
/** Largest list of a provider that is read, in bytes. */
const MAX_LIST = 10 * 1024 * 1024;
/** Models that one provider may list, and characters of a model's name. */
const MAX_MODELS = 1000;
const MAX_NAME_LENGTH = 512;

export interface OfferedModel {
  id: string;
  owned_by: string;
}

/** What the configured providers offer. */
@Injectable()
export class ModelsService {
  private readonly logger = new Logger(ModelsService.name);
  private readonly named: OfferedModel[];
  private readonly askable: ProviderSettings[] = [];
  private asked?: { until: number; models: Promise<OfferedModel[]> };

  constructor(config: Config) {
    const routes = modelRoutes(config);
    this.named = offeredModels(routes);
    // Without a routes file nothing is named, but an OpenAI-compatible server can be asked.
    if (config.MODEL_ROUTES_FILE !== undefined) return;
    this.askable = [...routes.providers.values()].filter(({ type }) => type === 'openai');
  }

  /** The models by name; those of a provider that does not reply are left out. */
  async list(): Promise<OfferedModel[]> {
    if (!this.asked || performance.now() > this.asked.until) {
      const models = Promise.all(this.askable.map((provider) => this.ask(provider))).then((lists) =>
        lists.flat(),
      );
      this.asked = { until: performance.now() + REMEMBERED, models };
    }
    return [...this.named, ...(await this.asked.models)];
  }

  private async ask({ base_url: url, api_key: key, type }: ProviderSettings): Promise<OfferedModel[]> {
    try {
      const response = await fetch(`${String(url).replace(/\/+$/, '')}/models`, {
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT),
      });
      const list = await readJson(response);
      if (response.status !== 200 || !isJsonObject(list) || !Array.isArray(list.data)) {
        throw new Error(`it returned ${response.status}`);
      }
      return list.data.slice(0, MAX_MODELS).flatMap((model) =>
        isJsonObject(model) && typeof model.id === 'string' && model.id.length <= MAX_NAME_LENGTH
          ? [
              {
                id: model.id,
                owned_by:
                  typeof model.owned_by === 'string' ? model.owned_by.slice(0, MAX_NAME_LENGTH) : type,
              },
            ]
          : [],
      );
    } catch (error) {
      this.asked = undefined;
      this.logger.warn(`the provider does not list its models: ${(error as Error).message}`);
      return [];
    }
  }
}

/** A body that fetch has unpacked, without a byte order mark. */
async function readJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_LIST) throw new Error(`its list is larger than ${MAX_LIST} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(new TextDecoder().decode(Buffer.concat(chunks))) as unknown;
}
