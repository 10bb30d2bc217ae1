import 'reflect-metadata';
import { serve } from '@hitl/service';
import { consumes, GatewayModule } from './gateway.module';
import { configure } from './app/configure';

await serve({ name: 'gateway', module: GatewayModule, consumes, configure });
