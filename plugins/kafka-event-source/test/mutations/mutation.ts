/** A mutation of the table: its row, its tests, and the changed text of its file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedTest, Row } from '../support/fidelity.ts';
import { ROOT } from '../support/root.ts';
import type { Mutation } from './table.ts';

/** The mutations are of rows that are the same as AWS and name a test. */
export function isCandidate({ kind, tests }: Row): boolean {
  return kind === 'same' && tests.length > 0;
}

/** The tests of the row that must notice the mutation. @throws Error if there are none */
export function testsOf({ row, by }: Mutation, rows: readonly Row[]): readonly NamedTest[] {
  const found = rows.find((one) => one.key === row && isCandidate(one));
  if (!found) throw new Error(`docs/fidelity.md has no row ${row} that is the same`);
  const tests = found.tests.filter(({ file }) => by === undefined || file === by);
  if (tests.length === 0) throw new Error(`row ${row} names no test of ${by}`);
  return tests;
}

/** The file's text after the change. @throws Error unless the file has the old text exactly once */
export function changedText({ row, file, from, to }: Mutation): string {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const [before = '', after, ...more] = text.split(from);
  if (after === undefined || more.length > 0) {
    const times = after === undefined ? 'no longer' : `${more.length + 1} times`;
    throw new Error(
      `the mutation of row ${row} does not apply: ${file} has this text ${times}: ${from}`,
    );
  }
  return `${before}${to}${after}`;
}

/** Matches the full names that Jest gives to the tests. */
export function patternOf(tests: readonly NamedTest[]): string {
  const titles = tests.map(({ title }) =>
    // A placeholder of test.each or of a template stands for any text.
    title
      .split(/%[a-z]|\$\{[^}]+\}/)
      .map((part) => RegExp.escape(part))
      .join('.*'),
  );
  return `(^| )(${[...new Set(titles)].join('|')})( |$)`;
}
