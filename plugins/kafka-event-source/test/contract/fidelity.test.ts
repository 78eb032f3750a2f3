import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ID, readRows } from '../support/fidelity.ts';
import { ROOT } from '../support/root.ts';

const KINDS = ['same', 'differs', 'chosen', 'not emulated'];

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const rows = readRows();

function quoted(title: string): RegExp {
  return new RegExp(`(['"\`])${RegExp.escape(title)}\\1`);
}

test('fidelity.md has all rows of the specification, and no others', () => {
  const wanted: string[] = read('docs/rows.md').match(ID) ?? [];
  const found: string[] = rows.flatMap(({ ids }) => ids);
  expect(wanted.length).toBeGreaterThan(200);
  expect(wanted.filter((id) => !found.includes(id))).toEqual([]);
  expect(found.filter((id) => !wanted.includes(id))).toEqual([]);
});

test('each row is the same, differs, chosen or not emulated, and has a description', () => {
  const wrong = rows.filter(
    ({ kind, what }) => !KINDS.includes(kind) || (kind !== 'same' && what === ''),
  );
  expect(wrong.map(({ ids, kind }) => [...ids, kind])).toEqual([]);
});

test('each row that is the same names a test', () => {
  const bare = rows.filter(({ kind, tests }) => kind === 'same' && tests.length === 0);
  expect(bare.map(({ ids }) => ids)).toEqual([]);
});

test('each test that is named exists, by its file and its title', () => {
  const missing = rows.flatMap(({ ids, tests }) =>
    tests
      .filter(({ file, title }) => !existsSync(join(ROOT, file)) || !quoted(title).test(read(file)))
      .map(({ file, title }) => [ids.join(), file, title]),
  );
  expect(missing).toEqual([]);
});
