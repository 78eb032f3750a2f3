/** Breaks the code for rows of docs/fidelity.md, and checks that their tests notice it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { type NamedTest, type Row, readRows } from '../support/fidelity.ts';
import setup from '../support/setup.ts';
import teardown from '../support/teardown.ts';
import { Copy } from './copy.ts';
import { changedText, isCandidate, patternOf, testsOf } from './mutation.ts';
import { MUTATIONS } from './table.ts';

const HELP = `Usage: npm run test:mutations -- [--rows 40] [--seed <number>] [--row B-03 …] [--help]

Draws --rows rows of docs/fidelity.md that are the same as AWS and name a test, or takes the rows of
--row. For each of its mutations (test/mutations/table.ts) it changes the code in a copy of this package and
runs the row's tests: one of them must fail. The exit code is 1 if a row's tests pass in spite of a
mutation, if a drawn row has no mutation, or if a test fails without one. A seed repeats the draw. Two runs
at a time share one broker; KAFKA_BROKERS with LOCAL_BACKEND=none is another one.`;

const COPIES = 2;

interface Try {
  readonly row: string;
  /** Undefined if the table has none for the row. */
  readonly change?: { readonly file: string; readonly text: string };
  readonly tests: readonly NamedTest[];
}

interface Result {
  readonly row: string;
  readonly verdict: 'red' | 'green' | 'no mutation' | 'fault';
  readonly seconds: number;
  /** The changed file and the first test that noticed the change, or the reason. */
  readonly what: string;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    row: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const [count, seed] = [Number(values.rows), Number(values.seed)];
  if (values.help) return console.log(HELP);
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) throw new Error(HELP);
  const rows = readRows();
  const candidates = rows.filter(isCandidate);
  const named = values.row.map((row) => {
    const found = candidates.filter(({ key, ids }) => key === row || ids.includes(row));
    if (found.length === 0) throw new Error(`No row ${row} is the same as AWS and names a test.`);
    return found;
  });
  const drawn = named.length > 0 ? named.flat() : draw(candidates, count, seed);
  const tries = drawn.flatMap((row) => triesOf(row, rows));
  const covered = candidates.filter(({ key }) => MUTATIONS.some(({ row }) => row === key)).length;
  console.log(
    `${covered} of ${candidates.length} rows have mutations; ${drawn.length} rows, ` +
      `${tries.length} mutations${named.length > 0 ? '' : `, seed ${seed}`}`,
  );
  const results = await runAll(tries);
  print(results);
  const reds = results.filter(({ verdict }) => verdict === 'red');
  if (reds.length < tries.length) process.exitCode = 1;
}

function draw(candidates: readonly Row[], count: number, seed: number): readonly Row[] {
  const length = Math.min(count, candidates.length);
  const some = fc.shuffledSubarray([...candidates], { minLength: length, maxLength: length });
  return fc.sample(some, { seed, numRuns: 1 })[0] ?? [];
}

function triesOf({ key }: Row, rows: readonly Row[]): Try[] {
  const mutations = MUTATIONS.filter(({ row }) => row === key);
  if (mutations.length === 0) return [{ row: key, tests: [] }];
  return mutations.map((mutation) => ({
    row: key,
    change: { file: mutation.file, text: changedText(mutation) },
    tests: testsOf(mutation, rows),
  }));
}

async function runAll(tries: readonly Try[]): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kes-mutations-'));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const isBrokerNeeded = tries.some(({ tests }) =>
      tests.some(({ file }) => file.startsWith('test/integration/')),
    );
    if (isBrokerNeeded) await setup();
    const copies = await Promise.all(
      Array.from({ length: COPIES }, (_, index) =>
        Copy.make(join(folder, String(index)), stop.signal),
      ),
    );
    const before = await runUnchanged(copies, tries);
    const results: Result[] = [];
    const waiting = [...tries];
    await Promise.all(
      copies.map(async (copy) => {
        for (let one = waiting.shift(); one && !stop.signal.aborted; one = waiting.shift()) {
          const result = await run(copy, one, before);
          results.push(result);
          console.log(`${results.length} of ${tries.length}: ${lineOf(result)}`);
        }
      }),
    );
    return results;
  } finally {
    await teardown();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs the tests without a mutation. @returns those that fail */
async function runUnchanged(copies: readonly Copy[], tries: readonly Try[]): Promise<NamedTest[]> {
  const tests = tries.flatMap((one) => one.tests);
  const files = [...new Set(tests.map(({ file }) => file))];
  const all: NamedTest[] = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let file = files.shift(); file; file = files.shift()) {
        const begun = performance.now();
        const wanted = tests.filter((one) => one.file === file);
        const { failed, fault } = await copy.run(wanted);
        all.push(...(fault ? wanted : failed));
        const names = fault ?? failed.map(({ title }) => `"${title}"`).join(', ');
        const end = names === '' ? '' : `, FAILS: ${names}`;
        console.log(`without a mutation: ${file}, ${secondsSince(begun)} s${end}`);
      }
    }),
  );
  return all;
}

async function run(
  copy: Copy,
  { row, change, tests }: Try,
  before: readonly NamedTest[],
): Promise<Result> {
  if (!change) return { row, verdict: 'no mutation', seconds: 0, what: '' };
  const begun = performance.now();
  const wrong = before.find(({ file, title }) =>
    tests.some((one) => one.file === file && new RegExp(patternOf([one])).test(title)),
  );
  if (wrong) {
    const what = `${nameOf(wrong)} fails without a mutation`;
    return { row, verdict: 'fault', seconds: 0, what };
  }
  const outcome = await copy.runWith(change.file, change.text, tests);
  const seconds = secondsSince(begun);
  if (outcome.fault) return { row, verdict: 'fault', seconds, what: outcome.fault };
  const [first] = outcome.failed;
  const names = first ? nameOf(first) : `not by ${tests.map(nameOf).join(', ')}`;
  const what = `${change.file}: ${names}`;
  return { row, verdict: first ? 'red' : 'green', seconds, what };
}

function nameOf({ file, title }: NamedTest): string {
  return `${file} "${title}"`;
}

function secondsSince(begun: number): number {
  return Math.round((performance.now() - begun) / 100) / 10;
}

function lineOf({ row, verdict, seconds, what }: Result): string {
  return `${row.padEnd(6)} ${verdict.padEnd(11)} ${seconds.toFixed(1).padStart(6)} s  ${what}`;
}

function print(results: readonly Result[]): void {
  const order = ['red', 'no mutation', 'fault', 'green'];
  const sorted = results.toSorted(
    (a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict) || a.row.localeCompare(b.row),
  );
  const counted = order.map((verdict) => {
    const count = results.filter((one) => one.verdict === verdict).length;
    return `${count} ${verdict}`;
  });
  console.log(['', ...sorted.map(lineOf), '', counted.join(', ')].join('\n'));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
