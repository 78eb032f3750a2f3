import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { GOLDEN, goldenFiles } from '../../../local/preview.ts';

const files = goldenFiles();

test('there is a golden file for each language, event type, channel and part, and no other', async () => {
  const kept = await Array.fromAsync(glob('**/*.*', { cwd: GOLDEN }));
  expect(kept.toSorted()).toEqual([...files.keys()].toSorted());
  expect(files.size).toBe(2 * 5 * 3);
});

test.each([...files])('%s is what its golden file holds', async (name, text) => {
  // When it is meant: "npm run preview -- --golden", and read what git shows of it.
  expect(text).toBe(await readFile(join(GOLDEN, name), 'utf8'));
});
