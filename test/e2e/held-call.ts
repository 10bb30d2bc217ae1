import { until, type Stack } from '@hitl/testing';

/** A chat that asks one question. */
export const chat = (content: string) => ({
  model: 'stub',
  messages: [{ role: 'user' as const, content }],
});

/** A request that is held, as a client without any SDK makes it. */
export interface Call {
  status: Promise<number>;
  headers: Promise<Headers>;
  /** The body as it came. */
  text: Promise<string>;
  body: Promise<any>;
  /** Hangs up. */
  leave: () => void;
}

/** Sends a request that will be held. */
export function call(
  url: string,
  body: object,
  { path = '/v1/chat/completions', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Call {
  const gone = new AbortController();
  const response = fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: gone.signal,
  });
  const text = response.then((got) => got.text());
  const made = {
    status: response.then(({ status }) => status),
    headers: response.then((got) => got.headers),
    text,
    body: text.then((content) => JSON.parse(content) as unknown),
    leave: () => {
      gone.abort();
    },
  };
  for (const promise of [made.status, made.headers, made.text, made.body]) promise.catch(() => undefined);
  return made;
}

/** What became of questions, seen from the desk. */
export class Asked {
  constructor(private readonly stack: Stack) {}

  /** All jobs that were made for a question, oldest first. */
  async jobs(content: string): Promise<any[]> {
    const { body } = await this.stack.http.get('/v1/jobs?limit=200');
    return body.data
      .filter(({ payload }: any) => payload.messages?.at(-1)?.content === content)
      .sort((a: any, b: any) => (a.id < b.id ? -1 : 1));
  }

  /** Waits until there are so many. */
  async count(content: string, jobs: number): Promise<any[]> {
    await until(`${jobs} jobs for ${content}`, async () => (await this.jobs(content)).length === jobs);
    return this.jobs(content);
  }

  /** The client of a job, as reviewers see it. */
  async client(id: string): Promise<string | null> {
    return (await this.stack.http.get(`/v1/reviews/${id}`)).body.review.client;
  }

  /** Waits until the one job for a question is in `human`, and its client is there or gone. */
  waiting(content: string, client: string): Promise<any> {
    return until(`${content} is to be reviewed, and its client is ${client}`, async () => {
      const [job] = await this.jobs(content);
      return job?.status === 'human' && (await this.client(job.id)) === client && job;
    });
  }

  /** Asks, and goes once the job is to be reviewed. */
  async leaving(content: string, url = this.stack.url): Promise<any> {
    const first = call(url, chat(content));
    await this.waiting(content, 'waiting');
    first.leave();
    return this.waiting(content, 'gone');
  }

  async decide(id: string, decision: object = { verdict: 'approve' }): Promise<void> {
    const { status, text } = await this.stack.decide(id, decision);
    if (status !== 200) throw new Error(text);
  }
}
