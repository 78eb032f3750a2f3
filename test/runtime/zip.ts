import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

const CENTRAL_ENTRY = 0x02014b50;
const END = 0x06054b50;

/** Unpacks a zip as Lambda does, with the permissions that stand in it, which are given back by path. */
export async function unpack(file: string, folder: string): Promise<Record<string, number>> {
  const bytes = await readFile(file);
  const modes = modesIn(bytes);
  for (const [name, content] of Object.entries(unzipSync(bytes))) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    await chmod(path, modes[name] ?? 0);
  }
  return modes;
}

/** The Unix permissions of every entry, from the zip's central directory. */
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12
function modesIn(bytes: Buffer): Record<string, number> {
  const end = bytes.lastIndexOf(uint32(END));
  let at = bytes.readUInt32LE(end + 16);
  const modes: Record<string, number> = {};
  while (bytes.readUInt32LE(at) === CENTRAL_ENTRY) {
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    modes[name] = (bytes.readUInt32LE(at + 38) >>> 16) & 0o777;
    at += 46 + nameLength + extraLength;
  }
  return modes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
