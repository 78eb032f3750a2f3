import { expect, test } from '@jest/globals';
import { progress } from './jars.ts';

const line = (name: string, size: string) =>
  `[INFO] Downloaded from central: https://maven.example/${name} (${size} at 1.2 MB/s)\n`;

test('progress counts the files, not the descriptions, and their size', () => {
  const poms = line('a/a-1.pom', '7.5 kB') + line('b/b-1.pom', '2.0 kB');
  const kept =
    line('a/a-1.jar', '500 kB') + line('b/b-2.jar', '2.5 MB') + line('c/c-3.so', '900 B');
  expect(progress(poms)).toBe('');
  expect(progress(poms + kept)).toBe('3 files, 3.0 MB, last c-3.so');
});
