import type { Answer, Client } from './client';
import type { ModelStub } from './model-stub';
import type { ServiceProcess } from './service-process';

/** The model's key where a test sets none. */
export const CANARY_KEY = 'sk-canary-5f1c9a7e';
/** Whole API keys, and the secrets of webhooks. */
const SECRETS = /hitl_[0-9a-f]{16}_[0-9a-f]{64}|whsec_[A-Za-z0-9+/]{32,}/;
/** Characters of a text by which it is known, and how many it has at least; shorter ones are known as parts of JSON alone. */
const KNOWN_BY = 60;
const MIN_LENGTH = 12;
const MIN_LENGTH_IN_JSON = 4;
/** Texts that are looked for at most. */
const MAX_TEXTS = 2000;
/** What `npm start` itself prints as an example. */
const EXAMPLE = 'What is 2 + 2?';
/** Fields of requests and answers that people and models write. */
const WRITTEN = new Set(['content', 'input', 'text', 'prompt']);

/** What must never leave a system but to whom it belongs. */
export interface Canaries {
  /** A client whose refusals are looked at, too. */
  watched(client: Client): Client;
  /**
   * Looks for secrets in logs, metrics and refusals, and for what was asked and answered in logs and metrics.
   * @throws Error that names what was found, and where
   */
  requireSilence(processes: ServiceProcess[], stub: ModelStub): Promise<void>;
}

/** @param settings environment variables: those with KEY or SECRET in their names are secret, and so are passwords in URLs */
export function canariesOf(settings: Record<string, string>): Canaries {
  const secrets = Object.entries(settings).flatMap(([name, value]) => {
    if (/KEY|SECRET/.test(name)) return value.length >= MIN_LENGTH ? [value] : [];
    return /_URL$/.test(name) && URL.canParse(value) ? [new URL(value).password] : [];
  });
  const refusals: string[] = [];
  const secretIn = (text: string): string | undefined =>
    secrets.find((secret) => secret.length >= MIN_LENGTH && text.includes(secret)) ?? SECRETS.exec(text)?.[0];
  return {
    watched: (client) => {
      const watch = async (answer: Promise<Answer>): Promise<Answer> => {
        const { status, text } = await answer;
        if (status >= 400 && secretIn(text) !== undefined) refusals.push(text);
        return answer;
      };
      return {
        send: (...call) => watch(client.send(...call)),
        get: (...call) => watch(client.get(...call)),
        post: (...call) => watch(client.post(...call)),
        put: (...call) => watch(client.put(...call)),
        delete: (...call) => watch(client.delete(...call)),
      };
    },
    async requireSilence(processes, stub) {
      const texts = textsOf([...stub.requests.map(({ body }) => body), ...stub.said]);
      const found = refusals.map((text) => `a secret in a refusal: ${text.slice(0, 300)}`);
      for (const { url, logs } of processes) {
        for (const line of [...logs, ...(await metricsOf(url))]) {
          const what = secretIn(line) ?? texts.find((text) => line.includes(text));
          if (what !== undefined)
            found.push(`«${what}» in what ${url} logs or measures: ${line.slice(0, 300)}`);
        }
      }
      if (found.length > 0) throw new Error(`${found.length} leaks:\n${found.slice(0, 10).join('\n')}`);
    },
  };
}

async function metricsOf(url: string): Promise<string[]> {
  try {
    return (await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2000) })).text()).split('\n');
  } catch {
    // A test has ended the process.
    return [];
  }
}

/** The beginnings of what people and models wrote, as a log may have them. */
function textsOf(values: unknown[]): string[] {
  const texts = new Set<string>();
  const look = (value: unknown, isWritten: boolean): void => {
    if (texts.size >= MAX_TEXTS) return;
    if (typeof value === 'string') {
      if (!isWritten || value === EXAMPLE) return;
      const start = JSON.stringify(value.slice(0, KNOWN_BY)).slice(1, -1);
      if (value.length >= MIN_LENGTH && value.trim().includes(' ')) {
        texts.add(value.slice(0, KNOWN_BY)).add(start);
      } else if (value.length >= MIN_LENGTH_IN_JSON) {
        // As a text within a text, and as a field: the log has words of its own.
        texts.add(JSON.stringify(`"${start}"`).slice(1, -1));
        for (const name of WRITTEN) texts.add(`"${name}":"${start}"`);
      }
    } else if (Array.isArray(value)) {
      for (const each of value) look(each, isWritten);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) look(each, WRITTEN.has(name));
    }
  };
  look(values, false);
  return [...texts];
}
