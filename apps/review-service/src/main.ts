import 'reflect-metadata';
import { serve } from '@hitl/service';
import { policyCommand } from './policies/policy-command';
import { consumes, ReviewServiceModule } from './review-service.module';

if (process.argv[2] === 'policy') process.exitCode = policyCommand(process.argv.slice(3));
else await serve({ name: 'review-service', module: ReviewServiceModule, consumes });
