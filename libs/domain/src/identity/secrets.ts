import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const KEY = /^hitl_([0-9a-f]{16})_[0-9a-f]{64}$/;

/** What somebody signs in with: its id, which may be shown, and the whole of it, which may not. */
export interface Secret {
  id: string;
  text: string;
}

/** A new API key, `hitl_<id>_<secret>`: 64 bits of id, 256 of secret. */
export function newKey(): Secret {
  const id = randomBytes(8).toString('hex');
  return { id, text: `hitl_${id}_${randomBytes(32).toString('hex')}` };
}

/** Reads an API key; null where the text is none. */
export function readKey(text: string): Secret | null {
  const id = KEY.exec(text)?.[1];
  return id === undefined ? null : { id, text };
}

const ANYWHERE = /hitl_[0-9a-f]{16}_[0-9a-f]{64}/gi;

/** A text with each API key in it left out. */
export function withoutKeys(text: string): string {
  return text.replace(ANYWHERE, 'hitl_…');
}

/**
 * Hashes what people sign in with, under a key that the database's rows alone do not give: whoever can read or write them
 * can make no credential. What is hashed is random, so that one HMAC is enough.
 */
export class Hashing {
  /** @param key of the HMAC-SHA256 */
  constructor(private readonly key: Buffer) {}

  /** @param purpose what the text is for: no hash of one purpose is one of another */
  hash(purpose: 'key' | 'session', text: string): Buffer {
    return createHmac('sha256', this.key).update(`${purpose} ${text}`).digest();
  }

  /** 32 bytes to encrypt with what only this system reads again. */
  get sealingKey(): Buffer {
    return createHmac('sha256', this.key).update('sealing').digest();
  }

  /** In constant time. */
  isHash(hash: Buffer, purpose: 'key' | 'session', text: string): boolean {
    return timingSafeEqual(hash, this.hash(purpose, text));
  }
}
