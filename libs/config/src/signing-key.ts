import { createPrivateKey, type KeyObject } from 'node:crypto';

/**
 * A private key for Ed25519.
 * @param text PEM, or the base64 of PKCS #8
 * @throws Error where it is none
 */
export function signingKeyOf(text: string): KeyObject {
  const key = text.includes('-----')
    ? createPrivateKey(text)
    : createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no key for Ed25519');
  return key;
}

/** Whether {@link signingKeyOf} reads a text. */
export function isSigningKey(text: string): boolean {
  try {
    return signingKeyOf(text).type === 'private';
  } catch {
    return false;
  }
}
