import { Module } from '@nestjs/common';
import { GatewayModule } from '../../gateway/src/gateway.module';
import { InferenceWorkerModule } from '../../inference-worker/src/inference-worker.module';
import { ReviewServiceModule } from '../../review-service/src/review-service.module';

/** The three services in one process, for evaluation and development. */
@Module({ imports: [GatewayModule, InferenceWorkerModule, ReviewServiceModule] })
export class StandaloneModule {}
