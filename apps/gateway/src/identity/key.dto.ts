import { ApiProperty } from '@nestjs/swagger';
import {
  DEFAULT_OVERLAP_HOURS,
  DEFAULT_PROJECT,
  MAX_KEY_DAYS,
  MAX_KEYS,
  MAX_NAME_LENGTH,
  MAX_OVERLAP_HOURS,
  PROJECT_NAME,
  stateOf,
  type ApiKey,
  type IssuedKey,
  type KeyState,
  type Permission,
  type Role,
} from '@hitl/domain';
import { EnumField, EnumListField, IntegerField, TextField } from '../http/fields';

const SCOPES = 'What is left of what the role may do; null: all of it.';

export class CreateKey {
  @TextField({
    min: 1,
    max: MAX_NAME_LENGTH,
    description:
      'The person or program that acts with it, under this name. Keys of one owner count as one reviewer.',
    example: 'ann',
  })
  owner: string;

  @EnumField('Role', { description: 'What it may do.' })
  role: Role;

  @TextField({
    pattern: PROJECT_NAME,
    remedy: 'send 1 to 63 lower-case letters, digits and hyphens, of which the first is no hyphen',
    optional: true,
    nullable: true,
    default: DEFAULT_PROJECT,
    description:
      'Whose jobs it reaches: lower-case letters, digits and hyphens. A new name makes a new project.',
  })
  project: string;

  @EnumListField('Permission', { optional: true, nullable: true, description: SCOPES })
  scopes?: Permission[] | null;

  @IntegerField({
    min: 1,
    max: MAX_KEY_DAYS,
    optional: true,
    nullable: true,
    description: 'After how many days it ends; null: never.',
  })
  expires_in_days?: number | null;
}

export class RotateKey {
  @IntegerField({
    min: 0,
    max: MAX_OVERLAP_HOURS,
    optional: true,
    nullable: true,
    default: DEFAULT_OVERLAP_HOURS,
    description: 'How long the old key can still be used.',
  })
  overlap_hours: number;
}

export class KeyDto {
  @ApiProperty({ description: 'The part of the key that may be shown', example: '0123456789abcdef' })
  id: string;

  @EnumField('KeyState', { description: 'Whether it can be used.' })
  state: KeyState;

  @ApiProperty()
  owner: string;

  @EnumField('Role', { description: 'What it may do.' })
  role: Role;

  @ApiProperty()
  project: string;

  @EnumListField('Permission', { nullable: true, description: SCOPES })
  scopes: Permission[] | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty()
  created_by: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expires_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  revoked_at: string | null;

  @ApiProperty({ type: String, nullable: true })
  revoked_by: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'To about a minute' })
  last_used_at: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'The id of the key that a rotation made' })
  replaced_by: string | null;
}

export class KeyWithSecret extends KeyDto {
  @ApiProperty({
    description: 'Send it as Authorization: Bearer. Shown only here.',
    example: 'hitl_0123456789abcdef_…',
  })
  key: string;
}

export class KeyList {
  @ApiProperty({
    type: [KeyDto],
    description: `${MAX_KEYS} at most: those that can be used first, then newest first`,
  })
  data: KeyDto[];
}

export function keyDto(key: ApiKey): KeyDto {
  return {
    id: key.id,
    state: stateOf(key),
    owner: key.owner,
    role: key.role,
    project: key.project,
    scopes: key.scopes,
    created_at: key.createdAt.toISOString(),
    created_by: key.createdBy,
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    revoked_by: key.revokedBy,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    replaced_by: key.replacedBy,
  };
}

export function withText({ key, text }: IssuedKey): KeyWithSecret {
  return Object.assign(keyDto(key), { key: text });
}
