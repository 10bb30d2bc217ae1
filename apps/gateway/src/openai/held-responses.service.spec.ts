import { expect, it } from '@jest/globals';
import {
  JsonText,
  type Caller,
  type DomainError,
  type Job,
  type JobReader,
  type SummaryReader,
} from '@hitl/domain';
import { SCOPE, until } from '@hitl/testing';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Config } from '@hitl/config';
import { toDomainError } from '../http/errors.filter';
import { WaitingRoom } from '../waiting/waiting-room.service';
import { HeldResponses, type Held } from './held-responses.service';
import { OpenAiController } from './openai.controller';
import { OPENAI_FORM } from './openai-error';

type Dependencies = ConstructorParameters<typeof HeldResponses>;

const AWAY = new Error('timeout exceeded when trying to connect');
const JOB = {
  id: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e',
  status: 'success',
  createdAt: new Date(0),
  erasedAt: null,
} as Job;

const heldFor = (reply: FastifyReply): Held => ({
  ...{ job: JOB, reply, since: performance.now(), gone: new AbortController().signal, hasItsEnd: false },
  times: { replyAfter: null, beatAfter: 1 },
  isNew: false,
});

it('a held request outlives that the database does not respond, also when its response is about to begin', async () => {
  let isAway = true;
  let asked = { job: 0, status: 0 };
  const find = <T>(what: 'job' | 'status', found: T): Promise<T> => {
    asked = { ...asked, [what]: asked[what] + 1 };
    return isAway ? Promise.reject(AWAY) : Promise.resolve(found);
  };
  const over = (ids: string[]) => Promise.resolve(ids);
  const room = new WaitingRoom({ over, find: () => find('job', JOB) } as Partial<JobReader> as JobReader);
  const summaries = { find: () => find('status', null) } as Partial<SummaryReader> as SummaryReader;
  const config = { HOLD_TIMEOUT_MS: 0 } as Config;
  const responses = new HeldResponses(...([{}, {}, {}, room, summaries, config] as unknown as Dependencies));
  const form = { response: () => Promise.resolve(new JsonText('"approved"')), withheld: () => null };
  const app = Fastify().post('/', (_, reply) => responses.respond(heldFor(reply), form));

  const answered = app.inject({ method: 'POST', url: '/' });
  await until('it was asked for the status, and waits again', () => asked.status === 1 && asked.job === 2);
  isAway = false;
  await room.look();
  expect((await answered).json()).toBe('approved');
});

it.each([
  ['of a client that says when it asks again invites it to', { 'x-stainless-retry-count': '0' }, 'true'],
  ['of another client does not', {}, 'false'],
])('what the database may or may not have stored %s', async (_, headers, shouldRetry) => {
  const requests = { join: () => Promise.reject(AWAY) };
  const config = { HOLD_JOIN_MS: 1000 } as Config;
  const responses = new HeldResponses(
    ...([{}, requests, { enter: () => undefined }, {}, {}, config] as unknown as Dependencies),
  );
  const app = Fastify().post('/', async (request, reply) => {
    const error = await responses
      .submit({} as Parameters<HeldResponses['submit']>[0], null, {} as Caller, reply)
      .catch((thrown: unknown) => toDomainError(thrown));
    return OPENAI_FORM.write(error as DomainError, request, reply);
  });
  const answer = await app.inject({ method: 'POST', url: '/', headers });
  expect(answer.json()).toMatchObject({ error: { code: 'unavailable' } });
  expect(answer.headers['x-should-retry']).toBe(shouldRetry);
});

it('a stream whose answer cannot be read says so, rather than end as an empty one does', async () => {
  const responses = {
    submit: (_: unknown, __: unknown, ___: unknown, reply: FastifyReply) =>
      Promise.resolve({ held: heldFor(reply), job: JOB }),
    wait: () => Promise.reject(AWAY),
  };
  const controller = new OpenAiController(
    ...([responses, {}, {}] as unknown as ConstructorParameters<typeof OpenAiController>),
  );
  const body = JsonText.of({ model: 'any', stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  const caller = { ...SCOPE, name: 'ann' } as Caller;
  const app = Fastify().post('/', (_, reply) =>
    controller
      .createChatCompletion({ body } as unknown as FastifyRequest, null, caller, reply)
      .catch((error: unknown) => expect(error).toBe(AWAY)),
  );
  const { payload } = await app.inject({ method: 'POST', url: '/' });
  expect(payload).toContain('"code":"unavailable"');
});
