import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableOf } from './document.ts';

/**
 * The differences between the two grounds of the test kit. All else is alike: the scenarios of this folder and of
 * test/integration/grounds.test.ts run on both. `npm run docs` writes the table in docs/testing.md.
 */
interface Difference {
  readonly what: string;
  readonly memory: string;
  readonly broker: string;
}

const DIFFERENCES: readonly Difference[] = [
  {
    what: 'the time',
    memory: 'stands still until the test moves it',
    broker: 'is real: `start` and `virtualDate` are refused',
  },
  {
    what: '`clock.advance`',
    memory: 'takes no time',
    broker: 'waits; more than a minute is an error',
  },
  {
    what: '`idle()`',
    memory: 'moves the time over batching windows, and stops before a retry',
    broker: 'waits for batching windows; a retry may have begun when it resolves',
  },
  {
    what: '`drain()`',
    memory: 'moves the time by 7 days at most',
    broker: 'waits for a minute at most',
  },
  {
    what: 'the start of a source',
    memory: 'milliseconds',
    broker:
      "a second: topics are made, and a group is joined; with Kafka's own `group.initial.rebalance.delay.ms`, three more",
  },
  {
    what: 'names',
    memory: 'those of the mappings',
    broker:
      'in events and in the test those of the mappings; on the broker `source.broker.topic(name)`',
  },
  {
    what: '`rebalance()`',
    memory: 'takes all partitions away and gives them back',
    broker:
      'other members join the group, get all partitions, and leave, which takes a few seconds',
  },
  {
    what: '`records`, `committed`',
    memory: 'as they are',
    broker: 'as they were at the end of the last awaited call',
  },
  {
    what: 'partitions of a topic',
    memory: 'are read in their order',
    broker: 'are read in the order in which the broker answers; two commits may be one',
  },
  {
    what: '`seed`',
    memory: 'repeats a run',
    broker: "repeats the faults; fetches and the order of partitions are the broker's",
  },
  {
    what: 'limits of sizes',
    memory: "Kafka's defaults",
    broker: "the broker's",
  },
];

/** The page of docs/ that has the table. */
export const PAGE = join(import.meta.dirname, '../../docs/testing.md');

const BEGIN = '<!-- Written by `npm run docs`; do not edit. -->';
const END = '<!-- The end of the written table. -->';

/** The page with the table of today. @throws Error if the page has no place for it */
export function pageOfGrounds(): string {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(`docs/testing.md needs the lines "${BEGIN}" and "${END}".`);
  }
  const rows = DIFFERENCES.map(({ what, memory, broker }) => [what, memory, broker]);
  const table = tableOf(['', 'in memory', 'on a broker'], rows);
  return [page.slice(0, begin) + BEGIN, '', ...table, '', page.slice(end)].join('\n');
}

if (import.meta.main) writeFileSync(PAGE, pageOfGrounds());
