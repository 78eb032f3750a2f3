import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBroker } from '../../broker/broker.ts';
import { freePort } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';
import type { RoundReport } from './round.ts';
import { soak } from './soak.ts';

const HELP = `Usage: npm run test:soak -- [--minutes 30] [--seed <number>] [--logs]

Runs the emulator on a Kafka of its own, with these faults at random: topics deleted and made again,
retention, partitions added, members that join and leave, restarts, kill -9, suspends longer than the
session, clocks set, updates by the API, and functions that throw, fail in parts, answer late or not at
all. A checker knows the records that were written, deleted, answered and committed. It finds out if one is
skipped, or committed though it is not done, and if a partition loses its order.

A seed repeats its choices, though not their moments; the second round of seed 7 is the first of seed 8.
Prints a summary in JSON and ends with 1 if there are violations; each round with violations leaves
its log; with --logs every round.`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    logs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes >= 0) || !Number.isInteger(seed)) throw new Error(HELP);
  const directory = await mkdtemp(join(tmpdir(), 'kes-soak-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  try {
    const port = await freePort();
    const broker = await startBroker({ directory, port, supervisor, say: console.error });
    console.error(`${minutes} minutes from seed ${seed}`);
    const summary = await soak({
      brokers: [broker.kafkaBrokers],
      seed,
      forMs: minutes * 60_000,
      onRound: tell,
    });
    console.log(JSON.stringify(summary, null, 2));
    if (summary.violations.length > 0) process.exitCode = 1;
  } finally {
    await supervisor.stop();
  }
}

function tell({ seed, violations, trace, counts }: RoundReport): void {
  console.error(`seed ${seed}: ${counts.delivered} delivered, ${violations.length} violations`);
  if (violations.length === 0 && !values.logs) return;
  const log = join(tmpdir(), `kes-soak-${seed}-${process.pid}.log`);
  writeFileSync(log, [...violations, '', ...trace, ''].join('\n'));
  console.error(`${violations[0] ?? 'no violation'}. The round's log: ${log}`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
