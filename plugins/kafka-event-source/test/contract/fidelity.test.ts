import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../support/root.ts';

const KINDS = ['same', 'differs', 'chosen', 'not emulated'];
const ID = /\b[A-Z]-\d{2}[a-z]?\b/g;

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The rows of the tables: their ids, their texts, and the tests that they name. */
const rows = read('docs/fidelity.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim()))
  .filter(([first = '']) => /^([A-Z]-\d{2}[a-z]?(, | to )?)+$/.test(first) || first === '-')
  .map(([ids = '', kind = '', what = '', tests = '']) => ({
    ids: idsOf(ids),
    kind,
    what,
    tests: [...tests.matchAll(/([\w./-]+\.test\.ts) "([^"]+)"/g)].map(
      ([, file = '', title = '']) => ({
        file: fileOf(file),
        title,
      }),
    ),
  }));

function idsOf(cell: string): string[] {
  return cell.split(', ').flatMap((part) => {
    const [first = '', last] = part.split(' to ');
    if (!last) return first.match(ID) ?? [];
    const [letter, from, to] = [first[0], Number(first.slice(2)), Number(last.slice(2))];
    return Array.from(
      { length: to - from + 1 },
      (_, index) => `${letter}-${String(from + index).padStart(2, '0')}`,
    );
  });
}

function fileOf(name: string): string {
  return name.startsWith('it/') ? `test/integration/${name.slice(3)}` : name;
}

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
