// How fast `notify` drains the topic under the emulator, beside the bare rate of the same writes to
// DynamoDB Local in the same run; and whether every event was sent once, in order, in flat memory.
import { parseArgs } from 'node:util';
import { ownBackend } from '../test/support/backend.ts';
import { createOrderBench } from '../test/support/orders.ts';
import { table } from './figures.ts';
import { type Bare, bareRates } from './notify/bare.ts';
import { violations } from './notify/check.ts';
import { drain, type Sample } from './notify/drain.ts';
import { produce } from './notify/events.ts';

const HELP = `Usage: npm run bench:notify -- [--events 10000] [--orders 1000]

The full run is --events 100000 --orders 10000.`;
const RATIO_GOAL = 0.5;
const BARE_EVENTS = 2_500;
const MEMORY_FIGURES = 24;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    orders: { type: 'string', default: '1000' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [events, orders] = [Number(values.events), Number(values.orders)];
  if (!Number.isInteger(events / orders) || orders < 1) throw new Error(HELP);
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const { backend, addresses } = await ownBackend('bench');
  const bench = await createOrderBench(addresses);
  try {
    const before = await bareRates(bench, Math.min(events, BARE_EVENTS), 'before');
    await produce(bench, orders, events / orders);
    const { samples, seconds, told } = await drain(bench, events);
    const after = await bareRates(bench, Math.min(events, BARE_EVENTS), 'after');
    const rate = events / seconds;
    const beside = (kind: keyof Bare) =>
      `${before[kind].toFixed(0)}, ${after[kind].toFixed(0)} events/s: ratio ` +
      `${(rate / ((before[kind] + after[kind]) / 2)).toFixed(2)}`;
    const wrong = await violations(bench, told, orders, events / orders);
    const steady = samples.slice(Math.floor(samples.length / 4));
    console.log(
      table(
        ['what', 'figure'],
        [
          ['events drained', `${events} of ${orders} orders in ${seconds.toFixed(0)} s`],
          ['rate of notify, 1 read and 3 writes an event', `${rate.toFixed(0)} events/s`],
          ['its 3 writes bare, before and after', `${beside('all')} (goal ${RATIO_GOAL})`],
          ['lease and outcome bare, 2 writes', beside('leases')],
          ['memory, MB, over time', thinned(samples).join(' ')],
          ['memory growth after the first quarter', growth(steady)],
          ['violations', wrong.length],
        ],
      ),
    );
    for (const line of wrong.slice(0, 10)) console.log(line);
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await bench.close();
    await backend.stop();
  }
}

/** Samples that are evenly spread over the run, with the last one. */
function thinned(samples: Sample[]): number[] {
  const step = Math.ceil(samples.length / MEMORY_FIGURES);
  const kept = samples.filter((_, i) => (samples.length - 1 - i) % step === 0);
  return kept.map(({ megabytes }) => megabytes);
}

function growth(samples: Sample[]): string {
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (!first || !last) return 'too short to say';
  return `${last.megabytes - first.megabytes} MB over ${last.told - first.told} events`;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
