// Measures the seconds from `npx lambda-kafka-event-source start` on a SAM template to the function's first
// record: with a broker that runs, with one that the command starts, and with that one started again.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { startBroker } from '../broker/broker.ts';
import { freePort } from '../broker/ports.ts';
import { supervise } from '../broker/supervise.ts';
import { type Lambda, startLambda } from '../test/integration/bench.ts';
import { install, linkJars } from '../test/support/install.ts';
import { ROOT } from '../test/support/root.ts';
import { plainEnvironment } from '../test/support/sls.ts';
import { pack } from '../test/support/tarball.ts';
import { until } from '../test/support/until.ts';
import { Terminals } from '../test/walks/terminals.ts';
import { within } from '../time.ts';
import { createLedTopics } from '../topics.ts';
import { median, table } from './figures.ts';

const RUNS = 5;
const TOPIC = 'greetings';
const LIMIT_MS = 60_000;

const folder = await mkdtemp(join(tmpdir(), 'kes-first-'));
const supervisor = supervise(join(folder, 'broker'));
supervisor.remove(folder);
const lambda = await startLambda();
try {
  const home = await install(join(folder, 'home'), ['--omit=peer', await pack(folder)]);
  await linkJars(home);
  const port = await freePort();
  await startBroker({ directory: join(folder, 'broker'), port, supervisor, say: console.error });
  await createTopic(port);
  await produce(port);
  const [running, fresh, again]: [number[], number[], number[]] = [[], [], []];
  for (let run = 0; run < RUNS; run += 1) {
    // Another folder is another service, whose group begins at the first record.
    const project = join(home, `sam-${run}`);
    await cp(join(ROOT, 'examples/sam'), project, { recursive: true });
    running.push(await secondsOf(project, `--broker localhost:${port}`));
    const own = await freePort();
    fresh.push(await secondsOf(project, '--broker start', own));
    again.push(await secondsOf(project, '--broker start', own));
  }
  const row = (name: string, seconds: readonly number[]) =>
    [name, median(seconds), Math.max(...seconds)].map((cell) =>
      typeof cell === 'number' ? cell.toFixed(1) : cell,
    );
  const rows = [
    row('a broker that runs', running),
    row('--broker start', fresh),
    row('--broker start, again', again),
  ];
  console.log(table(['first record', 'median s', 'longest s'], rows));
  const load = loadavg()[0]?.toFixed(1);
  console.log(`${RUNS} runs, ${availableParallelism()} cores, load ${load}`);
} finally {
  await supervisor.stop();
  await lambda.close();
  await rm(folder, { recursive: true, force: true });
}

/** The seconds until the function has a record; with a port, one is written as soon as its broker answers. */
async function secondsOf(project: string, broker: string, port?: number): Promise<number> {
  const first = Promise.withResolvers<number>();
  handle(lambda, first.resolve);
  const env = plainEnvironment(port ? { KAFKA_PORT: `${port}` } : {}) as NodeJS.ProcessEnv;
  await using terminals = new Terminals(project, env);
  const began = performance.now();
  const command = `npx lambda-kafka-event-source start --endpoint ${lambda.endpoint} ${broker}`;
  const isReady = terminals.run(command);
  if (port) await until('a broker', () => produce(port).catch(() => undefined), LIMIT_MS);
  await isReady;
  return ((await within(LIMIT_MS, 'the record', first.promise)) - began) / 1000;
}

function handle({ handle }: Lambda, seen: (at: number) => void): void {
  handle(() => {
    seen(performance.now());
    return { body: 'null' };
  });
}

async function createTopic(port: number): Promise<void> {
  const admin = clientOf(port).admin();
  await admin.connect();
  await createLedTopics(admin, [{ topic: TOPIC }]);
  await admin.disconnect();
}

async function produce(port: number): Promise<true> {
  const producer = clientOf(port).producer({ allowAutoTopicCreation: false });
  try {
    await producer.connect();
    await producer.send({ topic: TOPIC, messages: [{ value: 'world' }] });
    return true;
  } finally {
    await producer.disconnect();
  }
}

function clientOf(port: number): kafkajs.Kafka {
  return new kafkajs.Kafka({
    brokers: [`localhost:${port}`],
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
}
