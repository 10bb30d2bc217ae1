import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { DomainError, Turns } from '@hitl/domain';
import { quote } from '@hitl/shapes';

type Decompress = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const inflate = promisify(zlib.inflate) as Decompress;
const inflateRaw = promisify(zlib.inflateRaw) as Decompress;
const gunzip = promisify(zlib.gunzip) as Decompress;
/** Node has it from 22.15 on. */
const { zstdDecompress } = zlib as { zstdDecompress?: typeof zlib.gunzip };

const DECOMPRESS: Record<string, Decompress> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  // Many senders leave out the frame that the name stands for.
  deflate: (body, options) => (hasZlibHeader(body) ? inflate : inflateRaw)(body, options),
  br: promisify(zlib.brotliDecompress),
  ...(zstdDecompress && { zstd: promisify(zstdDecompress) }),
};
/**
 * Bodies that are unpacked at once: until one is, nobody knows how large it will be.
 */
const unpacking = new Turns(2, 'Too many compressed bodies are being unpacked. Try again in a few seconds.');

/** The encodings that a body may have. */
export const TAKEN_ENCODINGS = Object.keys(DECOMPRESS)
  .filter((name) => name !== 'x-gzip')
  .join(', ');

/**
 * A body as it was before its sender compressed it.
 * @param encoding the header content-encoding
 * @param limit bytes that it may have; reading stops there, so that a small body cannot fill the memory
 * @throws DomainError unsupported_media_type, body_too_large, invalid_request, unavailable
 */
export async function decompress(body: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity' || body.length === 0) return body;
  const run = Object.hasOwn(DECOMPRESS, name) ? DECOMPRESS[name] : undefined;
  if (!run) {
    throw new DomainError(
      'unsupported_media_type',
      `The content encoding ${quote(name)} cannot be read; send the body as it is, or as one of ${TAKEN_ENCODINGS}.`,
    );
  }
  try {
    return await unpacking.take(() => run(body, { maxOutputLength: limit }));
  } catch (error) {
    if (error instanceof DomainError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DomainError(
        'body_too_large',
        `Decompressed, the body is larger than the ${limit} bytes that this server takes (MAX_BODY_BYTES).`,
      );
    }
    throw new DomainError('invalid_request', `The body is not what content-encoding: ${name} says.`);
  }
}

function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && (body.readUInt8(0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}
