import { parseArgs } from 'node:util';
import { ownBackend } from '../support/backend.ts';
import { gaps } from './coverage.ts';
import { crashNotify } from './notify.ts';
import { crashOrders } from './orders.ts';

const HELP = `Usage: npm run test:crash -- [--runs 500] [--seed <number>]
       npm run test:crash -- notify [--runs 500] [--seed <number>]

Kills, cuts off and hangs functions at random steps, on a Kafka and a DynamoDB Local of its own. For the
order functions it checks that no accepted change is lost or doubled, and that every order's events
stand in order. For notify and sendDeferred, which it also freezes and thaws, it checks that no customer
is told twice, that no notification waits for ever, and that an outcome is unknown only where a process
was killed or frozen, or the provider's answer was lost. It also fails if a situation that it tests, such
as a kill after the answer, did not come in enough runs. A seed repeats its faults: run k of seed s is run
1 of seed s + k - 1.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) throw new Error(HELP);
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const { backend, addresses } = await ownBackend('crash');
  try {
    console.log(`${runs} runs from seed ${seed}`);
    const suite = positionals[0] === 'notify' ? crashNotify : crashOrders;
    const report = await suite(addresses, {
      seed,
      runs,
      progress: (done) => {
        if (done % 25 === 0) console.log(`${done} of ${runs} runs`);
      },
    });
    console.log(JSON.stringify(report, null, 2));
    const missed = gaps(report);
    if (missed.length > 0) {
      throw new Error(
        `The suite no longer reaches the situations of these counters:\n${missed.join('\n')}`,
      );
    }
    if (report.violations.length > 0) process.exitCode = 1;
  } finally {
    await backend.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
