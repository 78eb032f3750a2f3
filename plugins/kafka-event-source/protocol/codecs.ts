/** Kafka's compression codecs. A codec's package is loaded with the first batch that needs it. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';

type Inflate = (bytes: Buffer) => Promise<Buffer>;

const gunzip = promisify(zlib.gunzip);
/** A Node without zstd must be able to load this file, so that the version check can call it too old. */
const zstd: Inflate = (bytes) => promisify(zlib.zstdDecompress)(bytes);

/** The packages that users install for codecs which Node lacks; package.json has the same ranges. */
export const CODEC_PACKAGES = { snappy: 'snappy@^7.0.0', lz4: 'lz4-napi@^2.0.0' } as const;

/** By the number in a batch's attributes. */
export const CODECS = {
  1: { name: 'gzip', inflate: (bytes) => gunzip(bytes) },
  2: { name: 'snappy', inflate: snappy },
  3: { name: 'lz4', inflate: lz4 },
  4: { name: 'zstd', inflate: zstd },
} as const satisfies Record<number, { name: string; inflate: Inflate }>;

/** Inflates a batch. @throws CodecError that names the codec */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  const found = Object.entries(CODECS).find(([number]) => Number(number) === codec)?.[1];
  if (!found) throw new CodecError(`compression ${codec} is none of Kafka's known codecs`);
  try {
    return await found.inflate(bytes);
  } catch (cause) {
    if (cause instanceof CodecError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CodecError(`a batch cannot be inflated by ${found.name}: ${reason}`, { cause });
  }
}

class CodecError extends Error {
  override readonly name = 'CodecError';
}

async function load<T>(codec: keyof typeof CODEC_PACKAGES, module: () => Promise<T>): Promise<T> {
  try {
    return await module();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new CodecError(
      `a batch is compressed by ${codec}, and the package for it is not installed: ` +
        `npm install --save-dev ${CODEC_PACKAGES[codec]}, and start again`,
      { cause },
    );
  }
}

async function lz4(bytes: Buffer): Promise<Buffer> {
  const { decompressFrame } = await load('lz4', () => import('lz4-napi'));
  return decompressFrame(bytes);
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** Java's producer writes a header and blocks, each after its length; librdkafka one bare block. */
async function snappy(bytes: Buffer): Promise<Buffer> {
  const { uncompress } = await load('snappy', () => import('snappy'));
  const inflate = async (block: Buffer) => Buffer.from(await uncompress(block, { asBuffer: true }));
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return inflate(bytes);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const begin = at + 4;
    at = begin + bytes.readUInt32BE(at);
    blocks.push(await inflate(bytes.subarray(begin, at)));
  }
  return Buffer.concat(blocks);
}
