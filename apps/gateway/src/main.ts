import 'reflect-metadata';
import { serve } from '@hitl/service';
import { consumes, GatewayModule } from './gateway.module';
import { configure } from './app/configure';
import { printDocument } from './app/document';

if (process.argv[2] === 'openapi') await printDocument(GatewayModule);
else await serve({ name: 'gateway', module: GatewayModule, consumes, configure });
