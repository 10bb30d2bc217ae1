import 'reflect-metadata';
import { serve } from '@hitl/service';
import { audit } from './audit/audit';
import { policyCommand } from './policies/policy-command';
import { consumes, ReviewServiceModule } from './review-service.module';

const [command, ...args] = process.argv.slice(2);
if (command === 'audit') process.exitCode = await audit(args);
else if (command === 'policy') process.exitCode = policyCommand(args);
else await serve({ name: 'review-service', module: ReviewServiceModule, consumes });
