import 'reflect-metadata';
import { serve } from '@hitl/service';
import { consumes, InferenceWorkerModule } from './inference-worker.module';

await serve({ name: 'inference-worker', module: InferenceWorkerModule, consumes });
