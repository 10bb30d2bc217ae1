import { preview } from '@hitl/service';
import { createDocument } from '../../gateway/src/app/document';
import { GatewayModule } from '../../gateway/src/gateway.module';
import { readArguments } from './arguments';

/** `openapi`: needs no database and no broker. */
export async function printDocument(args: string[]): Promise<number> {
  readArguments(args, { words: 0, options: [] });
  const app = await preview(GatewayModule);
  process.stdout.write(`${JSON.stringify(createDocument(app), null, 2)}\n`);
  await app.close();
  return 0;
}
