import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from '../../local/backend.ts';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { supervise } from '../../plugins/kafka-event-source/broker/supervise.ts';
import '../support/environment.ts';

const HELP = `Usage: npm run test:fuzz -- [--calls 100000] [--http 5000] [--seed <number>]

One customer attacks another: by --calls requests to the handlers, and by --http requests over HTTP to
all functions, on a Kafka and a DynamoDB Local of its own. No answer to one may hold anything of the
other, whose items must stay as they are. A seed repeats the requests, but not the order in which they
are answered. What the functions print over HTTP is in .local/logs/fuzz.log.`;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    http: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const [calls, http, seed] = [values.calls, values.http, values.seed].map(Number);
  if (values.help) return console.log(HELP);
  if (
    calls === undefined ||
    http === undefined ||
    seed === undefined ||
    !isCount(calls, http, seed)
  )
    throw new Error(HELP);
  const directory = await mkdtemp(join(tmpdir(), 'orders-fuzz-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const backend = await startBackend({
    directory,
    kafkaPort,
    dynamoPort,
    supervisor,
    say: console.log,
  });
  try {
    // Loaded now: the handlers read the environment at once.
    const { fuzzHandlers, fuzzHttp } = await import('./targets.ts');
    const at = { brokers: [backend.kafkaBrokers], dynamoEndpoint: backend.dynamoEndpoint };
    console.log(`seed ${seed}`);
    const options = (count: number) => ({
      calls: count,
      seed,
      progress: (done: number) => console.log(`${done} of ${count} calls`),
    });
    for (const report of [
      ...(calls > 0 ? [await fuzzHandlers(options(calls), at)] : []),
      ...(http > 0 ? [await fuzzHttp(options(http), at)] : []),
    ]) {
      console.log(JSON.stringify(report, null, 2));
      if (report.faults.length > 0) process.exitCode = 1;
    }
  } finally {
    await backend.stop();
  }
}

function isCount(...all: number[]): boolean {
  return all.every((one) => Number.isInteger(one) && one >= 0);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
