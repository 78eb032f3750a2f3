import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { documents } from '../../local/docs.ts';
import { ROOT } from '../support/root.ts';

const written = documents();

test.each(Object.entries(written))('%s says what the code says', async (file, text) => {
  // Else: npm run docs
  expect(await readFile(join(ROOT, file), 'utf8')).toBe(text);
});

test('docs/schemas has nothing that the code does not know', async () => {
  const files = (await readdir(join(ROOT, 'docs/schemas'))).map((file) => `docs/schemas/${file}`);
  expect(files.filter((file) => !(file in written))).toEqual([]);
});
