import { pipeline } from 'node:stream/promises';
import type { FastifyReply } from 'fastify';

/**
 * Sends chunks, as a file to keep where it has a name, no faster than the client reads. Throws as long as nothing was sent; after that a
 * fault cuts the connection, so that nobody takes a part for the whole.
 * @returns why it was cut; null when all of it was sent
 */
export async function sendFile(
  reply: FastifyReply,
  { name, type }: { name?: string; type: string },
  chunks: AsyncGenerator<string | Buffer>,
): Promise<Error | null> {
  const first = await chunks.next();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': `${type}; charset=utf-8`,
    ...(name !== undefined && { 'content-disposition': `attachment; filename="${name}"` }),
    'cache-control': 'no-store',
  });
  if (reply.request.method === 'HEAD') {
    reply.raw.end();
    await chunks.return(undefined);
    return null;
  }
  // Bytes, since Node sets three bytes aside for each character of a text that it sends.
  async function* all(): AsyncGenerator<Buffer> {
    if (!first.done) yield toBytes(first.value);
    for await (const chunk of chunks) yield toBytes(chunk);
  }
  try {
    await pipeline(all, reply.raw);
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await chunks.return(undefined);
  }
}

function toBytes(chunk: string | Buffer): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
