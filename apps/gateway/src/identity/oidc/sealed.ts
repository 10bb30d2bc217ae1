import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import { hashingOf, KeyStore } from '@hitl/domain';
import { EncryptJWT, jwtDecrypt, type JWTPayload } from 'jose';

/** Texts that only gateways can read and make: encrypted under AUTH_SECRET, or the secret in the database. */
@Injectable()
export class Sealed {
  #key?: Buffer;

  constructor(
    private readonly config: Config,
    private readonly keys: KeyStore,
  ) {}

  /**
   * @param purpose nothing that was sealed for one purpose is opened for another
   * @param lifeMs how long it can be opened; unset: for ever
   */
  async seal(purpose: string, content: object, lifeMs?: number): Promise<string> {
    const token = new EncryptJWT(content as JWTPayload)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setAudience(purpose);
    if (lifeMs !== undefined) token.setExpirationTime(new Date(Date.now() + lifeMs));
    return token.encrypt(await this.key());
  }

  /** Null: it was not sealed here for this purpose, or is too old. */
  async open<Content>(purpose: string, text: string): Promise<Content | null> {
    const key = await this.key();
    try {
      const { payload } = await jwtDecrypt(text, key, {
        audience: purpose,
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return payload as Content;
    } catch {
      return null;
    }
  }

  private async key(): Promise<Buffer> {
    this.#key ??= (await hashingOf(this.keys, this.config.AUTH_SECRET)).sealingKey;
    return this.#key;
  }
}
