import { Injectable, Logger } from '@nestjs/common';
import {
  DomainError,
  issueKey,
  KeyStore,
  may,
  PERMISSIONS,
  rotateKey,
  type ApiKey,
  type Caller,
  type IssuedKey,
  type WantedKey,
} from '@hitl/domain';
import { Identity } from './identity.service';

/** API keys, for who may make them. */
@Injectable()
export class KeysService {
  private readonly logger = new Logger(KeysService.name);

  constructor(
    private readonly store: KeyStore,
    private readonly identity: Identity,
  ) {}

  list(): Promise<ApiKey[]> {
    return this.store.list();
  }

  /** @throws DomainError too_many_keys, and forbidden where the key could do what its maker cannot */
  async create(caller: Caller, wanted: Omit<WantedKey, 'createdBy'>): Promise<IssuedKey> {
    const given = PERMISSIONS.filter((permission) =>
      may({ roles: [wanted.role], scopes: wanted.scopes }, permission),
    );
    const beyond = given.filter((permission) => !may(caller, permission));
    if (beyond.length > 0) {
      throw new DomainError(
        'forbidden',
        `Your own key may not do what this one could: ${beyond.join(', ')}.`,
      );
    }
    const issued = await issueKey(this.store, this.identity.hashing, { ...wanted, createdBy: caller.name });
    this.logger.log({ keyId: issued.key.id, by: caller.name, message: 'a key was created' });
    return issued;
  }

  /** @throws DomainError key_not_found */
  async revoke(caller: Caller, id: string): Promise<void> {
    if (!(await this.store.revoke(id, caller.name))) {
      throw new DomainError('key_not_found', `There is no key hitl_${id}.`);
    }
    this.identity.forgetKey(id);
    this.logger.log({ keyId: id, by: caller.name, message: 'a key was revoked' });
  }

  /** @throws DomainError key_not_found */
  async rotate(caller: Caller, id: string, overlapMs: number): Promise<IssuedKey> {
    const issued = await rotateKey(this.store, this.identity.hashing, id, {
      createdBy: caller.name,
      overlapMs,
    });
    this.identity.forgetKey(id);
    this.logger.log({ keyId: id, newKeyId: issued.key.id, by: caller.name, message: 'a key was replaced' });
    return issued;
  }
}
