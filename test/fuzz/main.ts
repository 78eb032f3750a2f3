import { parseArgs } from 'node:util';
import { ownBackend } from '../support/backend.ts';
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
  const { backend, addresses } = await ownBackend('fuzz');
  try {
    // Loaded now: the handlers read the environment at once.
    const { fuzzHandlers, fuzzHttp } = await import('./targets.ts');
    console.log(`seed ${seed}`);
    const options = (count: number) => ({
      calls: count,
      seed,
      progress: (done: number) => console.log(`${done} of ${count} calls`),
    });
    for (const report of [
      ...(calls > 0 ? [await fuzzHandlers(options(calls), addresses)] : []),
      ...(http > 0 ? [await fuzzHttp(options(http), addresses)] : []),
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
