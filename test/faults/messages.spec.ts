import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createLine, testAmqpUrl, until, type ServiceProcess } from '@hitl/testing';
import { connect, type ChannelModel, type ConfirmChannel, type GetMessage, type Options } from 'amqplib';
import {
  DEADLINE,
  decide,
  expectInferredOnce,
  metric,
  statuses,
  submit,
  submitMany,
  TEST_DEADLINE,
  post,
  useSystem,
} from './support';

const JOB = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';

const system = useSystem();
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;
let connection: ChannelModel;
let channel: ConfirmChannel;

beforeAll(async () => {
  [gateway, worker, reviews] = await Promise.all([
    system.start('gateway'),
    // A job that has failed once stays in its back-off for the whole test.
    system.start('inference-worker', { MODEL_RETRY_DELAY_MS: '600000' }),
    system.start('review-service'),
  ]);
  connection = await connect(testAmqpUrl());
  channel = await connection.createConfirmChannel();
  await until('the queues are there', async () => (await fetch(`${worker.url}/health/ready`)).ok, DEADLINE);
  await channel.purgeQueue('hitl.parked');
}, TEST_DEADLINE);
afterAll(async () => {
  await connection.close();
});

async function publish(queue: string, content: unknown, options: Options.Publish = {}): Promise<void> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  channel.sendToQueue(queue, Buffer.isBuffer(content) ? content : Buffer.from(text), options);
  await channel.waitForConfirms();
}

const allWait = (ids: string[]) =>
  until(
    'all wait for a human',
    async () => (await statuses(system.database, ids)).human === ids.length,
    DEADLINE,
  );

it(
  'poison on any queue is set aside with its reason and counted, and its neighbours flow on',
  async () => {
    const event = (pattern: string, data: unknown): object => ({ pattern, data });
    const poison: [queue: string, content: unknown, reason: RegExp, options?: Options.Publish][] = [];
    for (const [queue, own, foreign] of [
      ['hitl.inference', 'inference.requested', 'review.requested'],
      ['hitl.review', 'review.requested', 'review.decide'],
      ['hitl.review.commands', 'review.decide', 'inference.requested'],
    ] as const) {
      poison.push(
        [queue, 'hello', /not JSON/],
        [queue, '', /not JSON/],
        [queue, Buffer.from([0xff, 0xfe, 0x00]), /not JSON/],
        [queue, '[]', /not a JSON object/],
        [queue, 'null', /not a JSON object/],
        [queue, { data: { jobId: JOB } }, /no pattern/],
        [queue, event('nobody.knows', { jobId: JOB }), /does not belong/],
        [queue, event(foreign, { jobId: JOB }), /does not belong/],
        [queue, { pattern: own }, /without data/],
        [queue, event(own, null), /without data/],
        [queue, event(own, { jobId: 'x' }), /jobId/],
        [queue, event(own, {}), /jobId/],
        [queue, event(own, { jobId: JOB, padding: 'x'.repeat(70_000) }), /bytes/],
        [queue, `{"pattern":"${own}","data":{"jobId":"${JOB}","__proto__":{}}}`, /./],
        [queue, `{"pattern":"${own}","data":{"jobId":"${JOB}","constructor":"x"}}`, /./],
      );
    }
    const request = { replyTo: 'nobody', correlationId: '1' };
    const decision = { id: JOB, project: 'default', jobId: JOB, verdict: 'approve', actor: 'somebody' };
    poison.push(
      ['hitl.review.commands', 'hello', /not JSON/, request],
      [
        'hitl.review.commands',
        { ...event('review.decide', { ...decision, verdict: 7 }), id: '1' },
        /verdict/,
        request,
      ],
      [
        'hitl.review.commands',
        { ...event('review.edit', { project: 'default', jobId: JOB }), id: '1' },
        /actor/,
        request,
      ],
    );
    for (const [queue, content, , options] of poison) await publish(queue, content, options);
    // Sound requests whose replies have nowhere to go: refused, and nothing to look at.
    for (const replyTo of ['nobody', 'amq.rabbitmq.reply-to.garbage']) {
      await publish(
        'hitl.review.commands',
        { ...event('review.decide', decision), id: '1' },
        { ...request, replyTo },
      );
    }

    const ids = await submitMany(10, gateway);
    await until(
      'they wait for a human',
      async () => (await statuses(system.database, ids)).human === 10,
      DEADLINE,
    );
    expect((await decide(gateway, ids[0]!, { verdict: 'approve' })).status).toBe(200);

    const parked: GetMessage[] = [];
    await until(
      'all poison is parked',
      async () => {
        for (;;) {
          const message = await channel.get('hitl.parked', { noAck: true });
          if (!message) return parked.length >= poison.length;
          parked.push(message);
        }
      },
      DEADLINE,
    );
    const left = parked.map(({ content, properties }) => ({
      from: properties.headers?.['x-parked-from'] as string,
      because: properties.headers?.['x-parked-because'] as string,
      content,
    }));
    const unaccounted = poison.filter(([queue, content, reason]) => {
      const bytes = Buffer.isBuffer(content)
        ? content
        : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
      const at = left.findIndex(
        (found) => found.from === queue && reason.test(found.because) && found.content.equals(bytes),
      );
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    expect(unaccounted).toEqual([]);
    expect(left).toEqual([]);
    for (const [service, queue] of [
      [worker, 'hitl.inference'],
      [reviews, 'hitl.review'],
      [reviews, 'hitl.review.commands'],
    ] as const) {
      expect(await metric(service, 'hitl_messages_parked_total', { queue })).toBe(
        poison.filter((one) => one[0] === queue).length,
      );
    }
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a message about a job that the database does not have any more changes nothing, and is not set aside',
  async () => {
    const parked = (service: ServiceProcess, queue: string) =>
      metric(service, 'hitl_messages_parked_total', { queue });
    const look = () => Promise.all([parked(worker, 'hitl.inference'), parked(reviews, 'hitl.review')]);
    const before = await look();
    const called = system.stub.requests.length;
    const seen = await metric(reviews, 'hitl_reviews_requested_total');
    // As after a failover that lost the job, but not its messages.
    await publish('hitl.inference', { pattern: 'inference.requested', data: { jobId: JOB } });
    await publish('hitl.review', { pattern: 'review.requested', data: { jobId: JOB } });
    // One by one in each queue.
    const later = await submitMany(2, gateway);
    await allWait(later);
    await until(
      'its message to the desk is handled, too',
      async () => (await metric(reviews, 'hitl_reviews_requested_total')) === seen + 1 + later.length,
      DEADLINE,
    );
    expect(await look()).toEqual(before);
    expect(system.stub.requests).toHaveLength(called + later.length);
    for (const queue of ['hitl.inference', 'hitl.review', 'hitl.parked']) {
      expect([queue, (await channel.checkQueue(queue)).messageCount]).toEqual([queue, 0]);
    }
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a job that is submitted before its gateway has reached the broker is announced by it a moment later: none waits for a poller',
  async () => {
    const line = await createLine(testAmqpUrl());
    line.freeze();
    const fresh = await system.start('gateway', { AMQP_URL: line.url });
    const ids = await submitMany(20, fresh);
    line.thaw();
    await allWait(ids);
    const published = (by: string) => metric(fresh, 'hitl_outbox_published_total', { by });
    await until('all are counted', async () => (await published('writer')) === ids.length, DEADLINE);
    for (const service of [fresh, gateway, worker, reviews]) {
      expect(await metric(service, 'hitl_outbox_published_total', { by: 'poller' })).toBe(0);
    }
    expect(await metric(reviews, 'hitl_jobs_kicked_total')).toBe(0);
    expect(await fresh.stop()).toBe(0);
    line.close();
  },
  TEST_DEADLINE,
);

it(
  'a message that comes three times more changes nothing more, in whatever status its job is',
  async () => {
    const { stub } = system;
    stub.requests = [];
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    stub.answer = async ({ body }) => {
      if (body === 'slow') await slow;
      return body === 'busy' ? { status: 503 } : { body: { echo: body } };
    };
    const submitted = async (payload: string): Promise<string> => (await submit(gateway, payload)).body.id;
    const held = await submitted('slow');
    const resting = await submitted('busy');
    const [waiting, approved, rejected] = await submitMany(3, gateway);
    const cancelled = await submitted('busy');
    await until(
      'each is where it shall be',
      async () => {
        const [row] = await system.database.query<{ tried: number; human: number; resting: number }>(
          `SELECT count(*) FILTER (WHERE attempts = 1)::int AS tried,
                  count(*) FILTER (WHERE status = 'human' AND id = ANY($1))::int AS human,
                  count(*) FILTER (WHERE id = ANY($2) AND lease_token IS NULL)::int AS resting
           FROM jobs WHERE id = ANY($1 || $2 || $3)`,
          [[waiting, approved, rejected], [resting, cancelled], [held]],
        );
        return row!.tried === 6 && row!.human === 3 && row!.resting === 2;
      },
      DEADLINE,
    );
    await decide(gateway, approved!, { verdict: 'approve' });
    await decide(gateway, rejected!, { verdict: 'reject' });
    await post(`${gateway.url}/v1/jobs/${cancelled}/cancel`);
    const ids = [held, resting, waiting!, approved!, rejected!, cancelled];
    expect(await statuses(system.database, ids)).toEqual({ bot: 2, human: 1, success: 1, fail: 2 });
    const look = (): Promise<unknown> =>
      system.database.query(
        `SELECT j.id, j.status, j.response, j.revision, j.attempts, j.lease_token, j.failure_reason, j.updated_at,
                (SELECT array_agg(e.type ORDER BY e.id) FROM job_events e WHERE e.job_id = j.id) AS events
         FROM jobs j WHERE id = ANY($1) ORDER BY id`,
        [ids],
      );
    const before = await look();

    for (let time = 0; time < 3; time += 1) {
      for (const jobId of ids) {
        await publish('hitl.inference', { pattern: 'inference.requested', data: { jobId } });
        await publish('hitl.review', { pattern: 'review.requested', data: { jobId } });
      }
    }
    // One by one in each queue, so those that come after have overtaken nothing.
    const seen = await metric(reviews, 'hitl_reviews_requested_total');
    const later = await submitMany(5, gateway);
    await expectInferredOnce(system.database, later);
    await until(
      'the last message is handled',
      async () => (await metric(reviews, 'hitl_reviews_requested_total')) >= seen + later.length,
      DEADLINE,
    );
    expect(await look()).toEqual(before);

    // A worker that stops finishes what it holds: after that no message is left that might still do something.
    finish();
    expect(await worker.stop()).toBe(0);
    expect((await channel.checkQueue('hitl.inference')).messageCount).toBe(0);
    expect(await statuses(system.database, ids)).toEqual({ bot: 1, human: 2, success: 1, fail: 2 });
    expect(stub.requests).toHaveLength(ids.length + later.length);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
