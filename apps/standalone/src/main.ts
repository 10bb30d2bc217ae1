import 'reflect-metadata';
import { shownUrl, signsIn, type Config } from '@hitl/config';
import { serve } from '@hitl/service';
import { consumes as gatewayConsumes } from '../../gateway/src/gateway.module';
import { configure } from '../../gateway/src/app/configure';
import { consumes as workerConsumes } from '../../inference-worker/src/inference-worker.module';
import { consumes as reviewConsumes } from '../../review-service/src/review-service.module';
import { StandaloneModule } from './standalone.module';

await serve({
  name: 'standalone',
  module: StandaloneModule,
  consumes: (config) => [...gatewayConsumes(), ...workerConsumes(config), ...reviewConsumes()],
  standalone: true,
  configure,
  started: (url, config) => {
    const { MODEL_PROVIDER, MODEL_ROUTES_FILE } = config;
    const demo = 'a demo model, not an LLM (see .env.example)';
    const model = MODEL_ROUTES_FILE ?? (MODEL_PROVIDER === 'demo' ? demo : MODEL_PROVIDER);
    const key = signsIn(config) ? ' -H "authorization: Bearer $KEY"' : '';
    process.stdout.write(`
HITL inference is ready: ${url}   (open it to review; API: ${url}/docs)
  submit   curl${key} -X POST ${url}/enqueue -d '{ "input": "What is 2 + 2?" }'
  look     curl${key} '${url}/jobs?status=human'
  review   curl${key} -X POST ${url}/reviewJob -d '{ "id": "<job_id>", "status": "success" }'
${places(config)}
Model: ${model}. Ctrl-C stops.

`);
  },
});

/** Where jobs and messages are, without what is secret in it. */
function places({ DATA_DIR, DATABASE_URL, AMQP_URL }: Config): string {
  const jobs = DATABASE_URL === undefined ? DATA_DIR : `PostgreSQL: ${shownUrl(DATABASE_URL)} (DATABASE_URL)`;
  const messages =
    AMQP_URL === undefined ? 'inside this process' : `through RabbitMQ: ${shownUrl(AMQP_URL)} (AMQP_URL)`;
  return `Jobs are kept in ${jobs}. Messages go ${messages}.`;
}
