import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ERRORS } from '../../lib/errors.ts';
import { ROOT } from '../support/root.ts';

test('docs/errors.md has a row for every code, and says what the code says', async () => {
  const text = await readFile(join(ROOT, 'docs/errors.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const expected = Object.entries(ERRORS).map(([code, { title, status, retriable, advice }]) => [
    `\`${code}\``,
    String(status),
    title,
    retriable ? 'yes' : 'no',
    advice,
  ]);
  expect(rows).toEqual(expected);
});
