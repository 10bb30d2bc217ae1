import 'reflect-metadata';
import { serve } from '@hitl/service';
import { consumes, ReviewServiceModule } from './review-service.module';

await serve({ name: 'review-service', module: ReviewServiceModule, consumes });
