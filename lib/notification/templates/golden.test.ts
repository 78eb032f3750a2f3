import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { GOLDEN, goldenFiles } from '../../../local/preview.ts';
import { EVENT_TYPES } from '../../order-event.ts';
import { CHANNELS } from '../channels/channels.ts';
import { LANGUAGES } from './languages.ts';

const files = goldenFiles();

test('test/golden has the files that "npm run preview -- --golden" writes, and no other', async () => {
  const kept = await Array.fromAsync(glob('**/*.*', { cwd: GOLDEN }));
  expect(kept.toSorted()).toEqual([...files.keys()].toSorted());
  const parts = Object.keys(CHANNELS).length + 1; // The email has two.
  expect(files.size).toBe(Object.keys(LANGUAGES).length * EVENT_TYPES.length * parts);
});

test.each([...files])('%s is what "npm run preview -- --golden" writes', async (name, text) => {
  // After an intended change run "npm run preview -- --golden", and read the diff.
  expect(text).toBe(await readFile(join(GOLDEN, name), 'utf8'));
});
