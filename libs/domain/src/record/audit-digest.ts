import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** The last line of the audit log of a day. */
export interface AuditDigest {
  project: string;
  date: string;
  /** Lines before this one. */
  events: number;
  /** SHA-256 over those lines, each with its line feed, in hex. */
  sha256: string;
  /** Ed25519 over {@link signedText}, in base64; null: there is no key. */
  signature: string | null;
}

/** What is signed. */
const signedText = ({ project, date, events, sha256 }: Omit<AuditDigest, 'signature'>): Buffer =>
  Buffer.from(`hitl audit 1\n${project}\n${date}\n${events}\n${sha256}\n`);

/** Adds up the lines of an audit log, and ends it with a digest. */
export class AuditLog {
  private readonly hash = createHash('sha256');
  private events = 0;

  constructor(private readonly of: { project: string; date: string }) {}

  /** @param lines each with its line feed */
  add(lines: string, count: number): void {
    this.hash.update(lines);
    this.events += count;
  }

  digest(key: KeyObject | null): AuditDigest {
    const digest = { ...this.of, events: this.events, sha256: this.hash.digest('hex') };
    return { ...digest, signature: key && sign(null, signedText(digest), key).toString('base64') };
  }
}

/** Whether somebody who has the private key of `publicKey` (PEM) has signed a digest. @throws Error where that is no key */
export function isSigned(digest: AuditDigest, publicKey: string): boolean {
  const { signature, ...rest } = digest;
  return (
    signature !== null &&
    verify(null, signedText(rest), createPublicKey(publicKey), Buffer.from(signature, 'base64'))
  );
}
