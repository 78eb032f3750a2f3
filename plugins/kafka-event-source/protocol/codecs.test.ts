import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { compress } from 'snappy';
import { CODEC_PACKAGES, decompress } from './codecs.ts';

const text = Buffer.from('what a record holds '.repeat(1_000));

test("snappy is read as one bare block, as librdkafka writes it, and in Java's frames", async () => {
  const block = await compress(text);
  expect(await decompress(2, block)).toEqual(text);
  const header = Buffer.from('82534e4150505900000000010000000 1'.replace(' ', ''), 'hex');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(block.length);
  const frames = Buffer.concat([header, length, block, length, block]);
  expect(await decompress(2, frames)).toEqual(Buffer.concat([text, text]));
});

test.each([
  [1, 'gzip'],
  [2, 'snappy'],
  [3, 'lz4'],
  [4, 'zstd'],
])('a batch that codec %i cannot inflate is an error that names %s', async (codec, name) => {
  await expect(decompress(codec, Buffer.from('no such thing'))).rejects.toThrow(name);
});

test('an unknown codec is an error', async () => {
  await expect(decompress(5, text)).rejects.toThrow(/compression 5/);
});

test('the packages to install for codecs are optional peers of this package', () => {
  const { peerDependencies, peerDependenciesMeta, dependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  );
  for (const spec of Object.values(CODEC_PACKAGES)) {
    const [name = '', range] = spec.split('@');
    expect(peerDependencies[name]).toBe(range);
    expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    expect(dependencies).not.toHaveProperty([name]);
  }
});
