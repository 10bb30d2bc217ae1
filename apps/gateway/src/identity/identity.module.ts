import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { Identity } from './identity.service';
import { KeysController } from './keys.controller';
import { KeysService } from './keys.service';
import { LocalCaller } from './local-caller';
import { OpenRequests } from './open-requests.service';
import { RequestLimit } from './request-limit';

/** Who makes a request: API keys, sessions of browsers, and what ends with them. */
@Module({
  imports: [HttpModule],
  controllers: [KeysController],
  providers: [Identity, KeysService, LocalCaller, OpenRequests, RequestLimit],
  exports: [Identity, LocalCaller, OpenRequests, RequestLimit],
})
export class IdentityModule {}
