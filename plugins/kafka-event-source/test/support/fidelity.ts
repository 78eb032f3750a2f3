/** The tables of docs/fidelity.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';

export interface NamedTest {
  /** From the package's folder. */
  readonly file: string;
  readonly title: string;
}

export interface Row {
  /** The row's first id; the second row of a kind with this id has `/2` behind it, and so on. */
  readonly key: string;
  readonly ids: readonly string[];
  readonly kind: string;
  readonly what: string;
  readonly tests: readonly NamedTest[];
}

export const ID = /\b[A-Z]-\d{2}[a-z]?\b/g;

/** All rows: their ids, their texts, and the tests that they name. */
export function readRows(): Row[] {
  const seen = new Map<string, number>();
  return readFileSync(join(ROOT, 'docs/fidelity.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim()))
    .filter(([first = '']) => /^([A-Z]-\d{2}[a-z]?(, | to )?)+$/.test(first) || first === '-')
    .map(([cell = '', kind = '', what = '', tests = '']) => {
      const ids = idsOf(cell);
      const first = ids[0] ?? cell;
      const place = (seen.get(`${first} ${kind}`) ?? 0) + 1;
      seen.set(`${first} ${kind}`, place);
      const key = place > 1 ? `${first}/${place}` : first;
      return { key, ids, kind, what, tests: testsOf(tests) };
    });
}

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

function testsOf(cell: string): NamedTest[] {
  return [...cell.matchAll(/([\w./-]+\.test\.ts) "([^"]+)"/g)].map(([, file = '', title = '']) => ({
    file: file.startsWith('it/') ? `test/integration/${file.slice(3)}` : file,
    title,
  }));
}
