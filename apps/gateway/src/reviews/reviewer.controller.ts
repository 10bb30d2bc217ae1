import { Controller, Get, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Config, isLoopback } from '@hitl/config';
import { may, PERMISSIONS, type Caller, type Permission, type Role } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { EnumListField } from '../http/fields';
import { Identity } from '../identity/identity.service';
import { LocalCaller } from '../identity/local-caller';

const SIGNED_IN_BY = ['nothing', 'key', 'token', 'session'] as const;

class ReviewerDto {
  @ApiProperty({ description: 'Whom your claims and decisions are by', example: 'alice' })
  name: string;

  @ApiProperty({ description: 'Whether you may choose the name, by the header x-hitl-actor' })
  may_choose: boolean;

  @ApiProperty({ description: 'Whose jobs you reach', example: 'default' })
  project: string;

  @EnumListField('Role')
  roles: readonly Role[];

  @EnumListField('Permission', { description: 'What you may do.' })
  permissions: Permission[];

  @ApiProperty({
    enum: SIGNED_IN_BY,
    enumName: 'SignedInBy',
    description: 'By what the gateway knows you; by nothing where nobody signs in (AUTH_MODE=none).',
  })
  signed_in_by: (typeof SIGNED_IN_BY)[number];

  @ApiProperty({ description: 'Whether every caller who reaches the gateway over the network can decide' })
  open_to_network: boolean;
}

@ApiTags('reviews')
@Controller('v1/reviewer')
export class ReviewerController {
  constructor(
    private readonly identity: Identity,
    private readonly local: LocalCaller,
    private readonly config: Config,
  ) {}

  @ApiOperation({
    summary: 'Ask who you are',
    description:
      'The owner of your key, or your name since you first signed in at the provider. Where nobody signs in: the name in x-hitl-actor if the gateway listens on loopback alone and takes it, else local. A name that is not understood or not taken is refused, here and everywhere: ask without one first.',
  })
  @ApiOkResponse({ type: ReviewerDto })
  @Allow('signed-in')
  @Get()
  getReviewer(@CurrentCaller() caller: Caller, @Req() { credential }: FastifyRequest): ReviewerDto {
    const { name, project, roles } = caller;
    return {
      name,
      may_choose: !this.identity.isAsked && this.local.mayChoose,
      project,
      roles,
      permissions: PERMISSIONS.filter((permission) => may(caller, permission)),
      signed_in_by: signedInBy(credential),
      open_to_network: !this.identity.isAsked && !isLoopback(this.config.HOST),
    };
  }
}

function signedInBy(credential: FastifyRequest['credential']): ReviewerDto['signed_in_by'] {
  if (credential === null) return 'nothing';
  if (credential.session !== null) return 'session';
  return credential.tokenEnd === null ? 'key' : 'token';
}
