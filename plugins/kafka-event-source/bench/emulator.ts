// Measures the emulator with a handler that does nothing, beside a plain kafkajs consumer of the same
// topic in the same run: records per second, memory while a backlog drains, and delay.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBroker } from '../broker/broker.ts';
import { freePort } from '../broker/ports.ts';
import { supervise } from '../broker/supervise.ts';
import { Recording } from '../recorder/recording.ts';
import { until } from '../test/support/until.ts';
import { Bench, PARTITIONS, silent, startEndpoint } from './bench.ts';
import type { Drain, Drained } from './drain.ts';
import { median, quantile, table } from './figures.ts';

const HELP =
  'Usage: npm run bench -- [--records 300000] [--backlog 1000000] [--sent 300] [--rounds 7] [--bytes 100] [--only delay|rates|recorder|memory]';
const GOALS = { ratio: 0.3, delayMs: 30, recorderCost: 5 } as const;
const MiB = 1024 * 1024;
/** The recorder's threads begin and end, and memory is collected, before a measurement and not in it. */
const SETTLE_MS = 300;
const BATCH_SIZES = [1, 100, 10_000] as const;
/** The share of records for each batch size: batches of one record are slow, and need fewer. */
const FEWER = { 1: 0.02, 100: 1, 10000: 1 } as const;

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '300000' },
    backlog: { type: 'string', default: '1000000' },
    sent: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '7' },
    bytes: { type: 'string', multiple: true, default: ['100', '1024'] },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const noop = () => undefined;

async function rates(bench: Bench, records: number): Promise<void> {
  const rows: string[][] = [];
  for (const bytes of values.bytes.map(Number)) {
    const topic = await bench.topicOf(records, bytes);
    await bench.plain(topic, records);
    for (const batchSize of BATCH_SIZES) {
      const count = Math.round(records * FEWER[batchSize]);
      // In turn, so that other work of the machine slows both.
      const before = await bench.plain(topic, records);
      const emulated = await bench.emulated(topic, count, batchSize);
      const plain = (before + (await bench.plain(topic, records))) / 2;
      const ratio = (emulated / plain).toFixed(2);
      const goal = batchSize === 10_000 ? ` (goal: at least ${GOALS.ratio})` : '';
      rows.push([
        String(bytes),
        String(batchSize),
        Math.round(plain).toString(),
        Math.round(emulated).toString(),
        ratio + goal,
      ]);
    }
  }
  const head = ['bytes', 'batch size', 'plain records/s', 'emulator records/s', 'ratio'];
  console.log(`\n${table(head, rows)}`);
}

/** Drains a topic with and without the recorder, in turn, so that other work slows both, and compares the times. */
async function recorder(bench: Bench, records: number): Promise<void> {
  for (const bytes of values.bytes.map(Number)) {
    const topic = await bench.topicOf(records, bytes);
    const without: Drainage[] = [];
    const recorded: Drainage[] = [];
    const after: number[] = [];
    let kept = 0;
    const measureWithout = async () => {
      without.push(await drainage(records, () => bench.emulated(topic, records, 10_000)));
    };
    const measureRecorded = async () => {
      const folder = await mkdtemp(join(tmpdir(), 'bench-recorder-'));
      const limits = { maxMegabytes: 200, maxDays: 7, private: [] };
      const log = { ...silent, warning: noop };
      const recording = new Recording({ folder, stage: 'bench', ...limits, log });
      await recording.flush();
      recorded.push(
        await drainage(records, () => bench.emulated(topic, records, 10_000, recording)),
      );
      const before = process.cpuUsage();
      await recording.flush();
      after.push(microseconds(process.cpuUsage(before)));
      kept = (await recording.counts()).kept.done;
      await recording.close();
      await rm(folder, { recursive: true });
    };
    // The first round compiles the code, and does not count.
    for (let round = 0; round <= Number(values.rounds); round += 1) {
      const both = [measureWithout, measureRecorded];
      for (const measure of round % 2 === 0 ? both : both.reverse()) await measure();
      if (round === 0) without.length = recorded.length = after.length = 0;
    }
    const rows = MEASURES_OF_DRAINAGE.map(([name, of]) => {
      const [plain, slowed] = [without.map(of), recorded.map(of)];
      const costs = plain.map((one, round) => ((slowed[round] ?? 0) / one - 1) * 100);
      const [low, high] = [quantile(costs, 0.25), quantile(costs, 0.75)];
      return [
        name,
        median(plain).toFixed(2),
        median(slowed).toFixed(2),
        `${median(costs).toFixed(1)} % (goal: at most ${GOALS.recorderCost} %)`,
        `${low.toFixed(1)} to ${high.toFixed(1)} %`,
      ];
    });
    const head = ['µs a record', 'without', 'with', 'cost', 'half of the rounds'];
    console.log(
      `\nthe recorder at batch size 10 000, ${records} records of ${bytes} bytes, medians of ` +
        `${values.rounds} rounds\n${table(head, rows)}\nThen it wrote the newest ${kept} done records: ` +
        `${(median(after) / 1000).toFixed(0)} ms of the processor`,
    );
  }
}

/** Microseconds. Other work of the machine adds nothing to processor time. */
interface Drainage {
  /** Of each record, from the first invocation on. */
  readonly time: number;
  /** Of each record, in the thread that delivers. */
  readonly main: number;
  /** Of each record, in all threads of this process. */
  readonly all: number;
}

const MEASURES_OF_DRAINAGE = [
  ['time', ({ time }: Drainage) => time],
  ['processor, delivering thread', ({ main }: Drainage) => main],
  ['processor, whole process', ({ all }: Drainage) => all],
] as const;

async function drainage(records: number, measure: () => Promise<number>): Promise<Drainage> {
  globalThis.gc?.();
  await pause(SETTLE_MS);
  const [main, all] = [process.threadCpuUsage(), process.cpuUsage()];
  const rate = await measure();
  return {
    time: 1e6 / rate,
    main: microseconds(process.threadCpuUsage(main)) / records,
    all: microseconds(process.cpuUsage(all)) / records,
  };
}

const microseconds = ({ user, system }: NodeJS.CpuUsage) => user + system;

/** V8 collects late if its heap may grow; a small heap makes it collect early. */
const SMALL_HEAP = ['--max-semi-space-size=2', '--max-old-space-size=96'];
const MEASURES = [
  ['live', 'live', []],
  ['resident', 'resident', []],
  ['resident, small heap', 'resident', SMALL_HEAP],
] as const;

/** The growth of a process's memory while it drains a backlog, and ten times that backlog. */
async function memory(bench: Bench, backlog: number): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const records of [Math.round(backlog / 10), backlog]) {
    const topic = await bench.topicOf(records, 100);
    for (const batchSize of [100, 10_000]) {
      for (const [name, measure, flags] of MEASURES) {
        const mapping = bench.mapping(topic, { batchSize });
        const task: Drain = { endpoint: bench.endpoint, mapping, records, measure };
        const { rate, before, most, payload } = await drained(task, flags);
        const mebibytes = [most - before, payload].map((bytes) => (bytes / MiB).toFixed(1));
        rows.push([records, batchSize, name, ...mebibytes, Math.round(rate)]);
      }
    }
  }
  const head = ['backlog', 'batch size', 'memory', 'MiB growth', 'MiB of a payload', 'records/s'];
  console.log(`\nmemory while records of 100 bytes drain\n${table(head, rows)}`);
}

async function drained(task: Drain, flags: readonly string[]): Promise<Drained> {
  const file = fileURLToPath(new URL('drain.ts', import.meta.url));
  const child = fork(file, { execArgv: [...process.execArgv, ...flags] });
  const answer = once(child, 'message') as Promise<[Drained]>;
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`bench/drain.ts ended with ${code} before it had drained the topic`);
  });
  child.send(task);
  const [result] = await Promise.race([answer, ended]);
  return result;
}

/** The delay from just before the send to the arrival at the handler, with a window of 0. */
async function delay(bench: Bench, endpoint: ChildProcess, sent: number): Promise<void> {
  const topic = await bench.topicOf(0, 1);
  const delays: number[] = [];
  endpoint.on('message', (message) => {
    if (typeof message === 'number') delays.push(message);
  });
  const poller = bench.poll(topic, {}, 'timed');
  const producer = bench.kafka.producer();
  await producer.connect();
  const acknowledged: number[] = [];
  for (let index = -10; index < sent; index += 1) {
    const begun = performance.now();
    const value = String(performance.timeOrigin + begun);
    const known = delays.length;
    await producer.send({ topic, messages: [{ value, partition: index & (PARTITIONS - 1) }] });
    acknowledged.push(performance.now() - begun);
    await until('the record', () => delays.length > known || undefined);
    if (index < 0) delays.length = acknowledged.length = 0;
  }
  await producer.disconnect();
  await poller.stop();
  const [p50, p99] = [median(delays), quantile(delays, 0.99)];
  console.log(
    `\ndelay from produce to invocation, window 0: median ${p50.toFixed(1)} ms (goal: under ` +
      `${GOALS.delayMs}), 99 % under ${p99.toFixed(1)} ms; of it until the producer's ` +
      `acknowledgement: median ${median(acknowledged).toFixed(1)} ms`,
  );
}

async function run(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-emulator-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const say = noop;
  const { endpoint, address } = await startEndpoint();
  try {
    // After the endpoint, which would take a port that was just found free.
    const port = await freePort();
    const { kafkaBrokers } = await startBroker({ directory, port, supervisor, say });
    const bench = new Bench(kafkaBrokers, address);
    const benches = {
      delay: () => delay(bench, endpoint, Number(values.sent)),
      rates: () => rates(bench, Number(values.records)),
      recorder: () => recorder(bench, Number(values.records)),
      memory: () => memory(bench, Number(values.backlog)),
    };
    for (const [name, measure] of Object.entries(benches)) {
      if (values.only === undefined || values.only === name) await measure();
    }
  } finally {
    endpoint.disconnect();
    await supervisor.stop();
  }
}

if (values.help) console.log(HELP);
else await run();
