import 'reflect-metadata';
import { serve } from '@hitl/service';
import { audit } from './audit/audit';
import { consumes, ReviewServiceModule } from './review-service.module';

const [command, ...args] = process.argv.slice(2);
switch (command) {
  case 'audit':
    process.exitCode = await audit(args);
    break;
  default:
    await serve({ name: 'review-service', module: ReviewServiceModule, consumes });
}
