import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { Identity } from './identity.service';
import { KeysController } from './keys.controller';
import { KeysService } from './keys.service';
import { LocalCaller } from './local-caller';
import { People } from './oidc/people.service';
import { Provider } from './oidc/provider';
import { Sealed } from './oidc/sealed';
import { OpenRequests } from './open-requests.service';
import { RequestLimit } from './request-limit';

/** Who makes a request: API keys, people who sign in at a provider, sessions of browsers, and what ends with them. */
@Module({
  imports: [HttpModule],
  controllers: [KeysController],
  providers: [Identity, KeysService, LocalCaller, OpenRequests, People, Provider, RequestLimit, Sealed],
  exports: [Identity, LocalCaller, OpenRequests, Provider, People, RequestLimit, Sealed],
})
export class IdentityModule {}
