import 'reflect-metadata';
import { serve } from '@hitl/service';
import { audit } from './audit/audit';
import { consumes, ReviewServiceModule } from './review-service.module';

const [command, ...args] = process.argv.slice(2);
if (command === 'audit') process.exitCode = await audit(args);
else await serve({ name: 'review-service', module: ReviewServiceModule, consumes });
