import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { documents } from '../../local/docs.ts';
import { ROOT } from '../support/root.ts';

const written = documents();

test.each(Object.entries(written))('%s is what "npm run docs" writes', async (file, text) => {
  expect(await readFile(join(ROOT, file), 'utf8')).toBe(text);
});

test('docs/schemas has no file that "npm run docs" does not write', async () => {
  const files = (await readdir(join(ROOT, 'docs/schemas'))).map((file) => `docs/schemas/${file}`);
  expect(files.filter((file) => !(file in written))).toEqual([]);
});
