import 'reflect-metadata';
import { serve } from '@hitl/service';
import { consumes as gatewayConsumes } from '../../gateway/src/gateway.module';
import { configure } from '../../gateway/src/http/configure';
import { consumes as workerConsumes } from '../../inference-worker/src/inference-worker.module';
import { consumes as reviewConsumes } from '../../review-service/src/review-service.module';
import { StandaloneModule } from './standalone.module';

await serve({
  name: 'standalone',
  module: StandaloneModule,
  consumes: (config) => [...gatewayConsumes(), ...workerConsumes(config), ...reviewConsumes()],
  standalone: true,
  configure,
  started: (url, { DATA_DIR, MODEL_PROVIDER, MODEL_ROUTES_FILE }) => {
    const demo = 'a demo model, not an LLM (see .env.example)';
    const model = MODEL_ROUTES_FILE ?? (MODEL_PROVIDER === 'demo' ? demo : MODEL_PROVIDER);
    process.stdout.write(`
HITL inference is ready: ${url}   (open it to review; API: ${url}/docs)
  submit   curl -X POST ${url}/enqueue -d '{ "input": "What is 2 + 2?" }'
  look     curl '${url}/jobs?status=human'
  review   curl -X POST ${url}/reviewJob -d '{ "id": "<job_id>", "status": "success" }'
Jobs are kept in ${DATA_DIR}. Model: ${model}. Ctrl-C stops.

`);
  },
});
