// How much of its own bare limit each stage of an order's life reaches, measured in the same run; where its
// time goes; and the stage that ends first when orders become more.

import { parseArgs } from 'node:util';
import { STAGES, type StageName } from './ceiling/names.ts';

const HELP = `Usage: npm run bench:ceiling -- [options]

  --only ${STAGES.join('|')}
                     measures this stage alone; may be given again
  --orders 300       records of a round; the emulator gets 200 times as many
  --rounds 3         measured rounds of a stage; one before warms up, one after is profiled
  --profile DIR      writes a .cpuprofile file of each stage to this folder
  --help`;

/** @throws a sentence for people, when an option is wrong */
function optionsOf(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [...STAGES] },
      orders: { type: 'string', default: '300' },
      rounds: { type: 'string', default: '3' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [orders, rounds] = [Number(values.orders), Number(values.rounds)];
  if (!(Number.isInteger(orders) && orders > 0)) throw new Error('--orders is a number from 1');
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds is a number from 1');
  const unknown = values.only.find((name) => !STAGES.includes(name as StageName));
  if (unknown) throw new Error(`--only ${unknown}: the stages are ${STAGES.join(', ')}`);
  const only = values.only as StageName[];
  return { only, orders, rounds, folder: values.profile, help: values.help };
}

async function main(): Promise<void> {
  const { help, ...options } = optionsOf(process.argv.slice(2));
  if (help) return console.log(HELP);
  // Loaded late: the emulator's folder may be absent, and its broker is what starts Kafka.
  const { run } = await import('./ceiling/run.ts').catch((error: NodeJS.ErrnoException) => {
    const isAbsent =
      error.code === 'ERR_MODULE_NOT_FOUND' && /kafka-event-source/.test(error.message);
    throw isAbsent
      ? new Error('npm run bench:ceiling needs plugins/kafka-event-source, which starts Kafka')
      : error;
  });
  await run(options);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
