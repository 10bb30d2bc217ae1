import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { Decompress as ZstdDecompress } from 'fzstd';
import { ModelError } from './model-provider';

/** Largest answer that is read, in bytes: as it comes, and unpacked. */
export const MAX_ANSWER_BYTES = 10 * 1024 * 1024;

type Unpack = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** The content encodings that are read. Some providers pack every answer, whatever a caller accepts. */
const UNPACK: Record<string, Unpack> = {
  identity: (bytes) => Promise.resolve(bytes),
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  zstd: unpackZstd,
  // RFC 9110 means zlib by it; some servers leave zlib's header out.
  deflate: (packed, options) => promisify(hasZlibHeader(packed) ? inflate : inflateRaw)(packed, options),
};

/**
 * A body as text, unpacked, and without a byte order mark.
 * @param encoding the header content-encoding
 * @throws ModelError for one that is too large or cannot be unpacked; what reading throws when the connection breaks
 */
export async function readText(
  body: AsyncIterable<Buffer> & { destroy: () => void },
  encoding: string | string[] | undefined,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) {
      body.destroy();
      throw tooLarge();
    }
    chunks.push(chunk);
  }
  return decodeText(await unpack(Buffer.concat(chunks), [encoding ?? []].flat().join(',')));
}

async function unpack(bytes: Buffer, encodings: string): Promise<Buffer> {
  const names = encodings
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  if (bytes.length === 0) return bytes;
  let unpacked = bytes;
  for (const name of names.reverse()) {
    const step = UNPACK[name];
    if (!step) {
      const known = Object.keys(UNPACK).join(', ');
      throw new ModelError(
        `The model's response is packed as ${JSON.stringify(name)}; read are ${known}.`,
        false,
      );
    }
    try {
      unpacked = await step(unpacked, { maxOutputLength: MAX_ANSWER_BYTES });
    } catch (error) {
      if (error instanceof ModelError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
      throw new ModelError(`The model's response cannot be unpacked as ${name}.`, true);
    }
  }
  return unpacked;
}

/** By byte order mark; UTF-8 without one. The decoder takes the mark away. */
function decodeText(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** Node 20 has no zstd of its own. */
// eslint-disable-next-line @typescript-eslint/require-await -- throws as a rejection
async function unpackZstd(packed: Buffer): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream = new ZstdDecompress((chunk) => {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw tooLarge();
    chunks.push(chunk);
  });
  // Small pieces, so that little is unpacked past the limit.
  for (let at = 0; at < packed.length; at += 65_536) {
    stream.push(packed.subarray(at, at + 65_536), at + 65_536 >= packed.length);
  }
  return Buffer.concat(chunks);
}

function hasZlibHeader(bytes: Buffer): boolean {
  return bytes.length >= 2 && (bytes.readUInt8(0) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}

function tooLarge(): ModelError {
  return new ModelError(`The model's response is larger than ${MAX_ANSWER_BYTES} bytes.`, false);
}
