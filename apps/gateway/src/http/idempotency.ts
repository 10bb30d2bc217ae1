import { createHash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DomainError, jsonChunks } from '@hitl/domain';
import { quote } from '@hitl/shapes';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A client's own key for a request, and what the request was. */
export interface Idempotency {
  key: string;
  /** SHA-256 of method, path and body. */
  requestHash: Buffer;
}

/**
 * Reads the header `Idempotency-Key`: 1 to 255 visible characters.
 * @returns null without the header
 * @throws DomainError invalid_request
 */
export function idempotencyOf(request: FastifyRequest): Idempotency | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    const detail = `${quote(String(key))} is not a key of 1 to 255 visible characters`;
    throw new DomainError('invalid_request', `Idempotency-Key: ${detail}.`, [
      { pointer: 'Idempotency-Key', detail },
    ]);
  }
  return { key, requestHash: requestHashOf(request) };
}

/** SHA-256 of method, path and body, payloads as they are written: two requests with the same one ask for the same. */
export function requestHashOf(request: FastifyRequest): Buffer {
  const path = request.url.split('?', 1)[0] ?? '';
  const hash = createHash('sha256').update(`${request.method} ${path}\n`);
  for (const chunk of jsonChunks(request.body ?? null)) hash.update(chunk);
  return hash.digest();
}

/** The request's {@link Idempotency}, or null. */
export const IdempotencyKey = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Idempotency | null =>
    idempotencyOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/**
 * What an earlier request under the same key made.
 * @throws DomainError idempotency_conflict when that request was another one
 */
export function requireSameRequest<T extends { requestHash: Buffer | null }>(
  earlier: T,
  idempotency: Idempotency,
): T {
  if (earlier.requestHash?.equals(idempotency.requestHash)) return earlier;
  throw new DomainError(
    'idempotency_conflict',
    `The key ${quote(idempotency.key)} was used for another request. Use a new key for a new request.`,
  );
}

/** Marks the reply to a request that had one before. */
export function markReplayed(reply: FastifyReply, replayed: boolean): void {
  if (replayed) reply.header('idempotency-replayed', 'true');
}
