import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { DomainError, personName, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { quote } from '@hitl/shapes';
import { CurrentCaller } from '../http/caller';
import { bodyRefused } from '../http/faults';
import { ApiErrors } from '../openapi/api-errors';
import { Identity } from './identity.service';
import { CreateKey, keyDto, KeyList, KeyWithSecret, RotateKey, withText } from './key.dto';
import { KeysService } from './keys.service';

const HOUR_MS = 3_600_000;
const KEY_ID = { name: 'id', description: 'Of the key: 16 hexadecimal digits', example: '0123456789abcdef' };

@ApiTags('keys')
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly identity: Identity,
  ) {}

  @ApiOperation({
    summary: 'Create an API key',
    description: 'Only this response contains the key: it cannot be read again.',
  })
  @ApiCreatedResponse({ type: KeyWithSecret })
  @ApiErrors('too_many_keys', 'sign_in_is_off')
  @Allow('keys:write')
  @Post()
  @HttpCode(201)
  async createKey(@Body() body: CreateKey, @CurrentCaller() caller: Caller): Promise<KeyWithSecret> {
    this.requireSignIn();
    const owner = personName(body.owner);
    if (owner === null) {
      throw bodyRefused([{ pointer: '/owner', detail: `${quote(body.owner)} can be nobody's name` }]);
    }
    const { role, project, scopes = null, expires_in_days: days = null } = body;
    return withText(await this.keys.create(caller, { owner, role, project, scopes, days }));
  }

  @ApiOperation({ summary: 'List the API keys of every project', description: 'Without their texts.' })
  @ApiOkResponse({ type: KeyList })
  @ApiErrors('sign_in_is_off')
  @Allow('keys:write')
  @Get()
  async listKeys(): Promise<KeyList> {
    this.requireSignIn();
    return { data: (await this.keys.list()).map(keyDto) };
  }

  @ApiOperation({
    summary: 'Revoke an API key',
    description: 'Within seconds every gateway refuses it, and ends its sessions, streams and held requests.',
  })
  @ApiParam(KEY_ID)
  @ApiNoContentResponse()
  @ApiErrors('key_not_found', 'sign_in_is_off')
  @Allow('keys:write')
  @Delete(':id')
  @HttpCode(204)
  revokeKey(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<void> {
    this.requireSignIn();
    return this.keys.revoke(caller, idOf(id));
  }

  @ApiOperation({
    summary: 'Replace an API key',
    description: 'By another one for the same; the old one can still be used for a while.',
  })
  @ApiParam(KEY_ID)
  @ApiCreatedResponse({ type: KeyWithSecret })
  @ApiErrors('key_not_found', 'sign_in_is_off')
  @Allow('keys:write')
  @Post(':id/rotate')
  @HttpCode(201)
  async rotateKey(
    @Param('id') id: string,
    @Body() { overlap_hours: hours }: RotateKey,
    @CurrentCaller() caller: Caller,
  ): Promise<KeyWithSecret> {
    this.requireSignIn();
    return withText(await this.keys.rotate(caller, idOf(id), hours * HOUR_MS));
  }

  /** A key that nothing asks for would only look like safety. */
  private requireSignIn(): void {
    if (this.identity.isAsked) return;
    throw new DomainError(
      'sign_in_is_off',
      'Nobody signs in here (AUTH_MODE=none), so keys would have no effect. Set AUTH_MODE=keys.',
    );
  }
}

/** The id that a path names: of the key, or with what stands before it in the key's text. */
function idOf(text: string): string {
  const id = /^(?:hitl_)?([0-9a-f]{16})$/.exec(text)?.[1];
  if (id === undefined) throw new DomainError('key_not_found', `There is no key ${quote(text)}.`);
  return id;
}
