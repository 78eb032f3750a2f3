import { cpus } from 'node:os';
import { pool } from '../../lib/pool.ts';
import { median, quantile } from '../figures.ts';
import { type Costs, costsOf, profiled, type Saved } from './profile.ts';

/** The records that some work has processed, and the milliseconds of each where one can be told. */
export type Ran = { count: number; seconds: number; times?: number[] };

/** Makes ready for so many records, and returns the work to be measured. */
export type Prepare = (count: number) => Promise<() => Promise<Ran>>;

/** A step of an order's life, and the least that any code would ask of Kafka and DynamoDB for it. */
export type Stage = {
  name: string;
  /** The records that it processes for one order. */
  perOrder: number;
  /** False for a step that an order needs only after a failure. */
  isPassedByAll: boolean;
  own: Prepare;
  bare: Prepare;
};

/** Rates are records a second, times milliseconds; costs are microseconds of the processor a record. */
export type Measured = Pick<Stage, 'name' | 'perOrder' | 'isPassedByAll'> & {
  rate: number;
  bareRate: number;
  p50: number | undefined;
  p95: number | undefined;
  costs: Costs;
  /** The share of the time in which the main thread waited. */
  waiting: number;
  /** The processor time of all other processes of the machine. */
  others: number;
  /** The number of the machine's processors that were busy. */
  busy: number;
};

export type Counts = { records: number; rounds: number };

/**
 * Measures a stage and its bare limit in turn, so that other work of the machine slows both. A round
 * before warms up the services; a round after is profiled, and its rate does not count.
 */
export async function measure(
  stage: Stage,
  { records, rounds }: Counts,
  save: Saved,
): Promise<Measured> {
  const { name, perOrder, isPassedByAll } = stage;
  const own: Spent[] = [];
  const bare: number[] = [];
  const works = [
    async () => own.push(await spentBy(await stage.own(records))),
    async () => bare.push(rateOf(await (await stage.bare(records))())),
  ];
  for (let round = 0; round <= rounds; round += 1) {
    for (const work of round % 2 === 0 ? works : works.toReversed()) await work();
    const rates = `${own.at(-1)?.rate.toFixed(0)} records/s, bare ${bare.at(-1)?.toFixed(0)}`;
    process.stderr.write(`${name}: ${round ? `round ${round}` : 'warm-up'}, ${rates}\n`);
    if (round === 0) own.length = bare.length = 0;
  }
  const profile = await profiled(await stage.own(records), (text) => save(name, text));
  const of = (figure: (spent: Spent) => number) => median(own.map(figure));
  const times = own.flatMap((spent) => spent.times);
  return {
    ...{ name, perOrder, isPassedByAll },
    rate: of(({ rate }) => rate),
    bareRate: median(bare),
    p50: times.length > 0 ? quantile(times, 0.5) : undefined,
    p95: times.length > 0 ? quantile(times, 0.95) : undefined,
    ...costsOf(profile, { main: of(({ main }) => main), all: of(({ all }) => all) }),
    others: of(({ others }) => others),
    busy: of(({ busy }) => busy),
  };
}

/** Does `work` for each item, some at once. The work says which part of it counts as one record. */
export async function raced<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T, record: (part: () => Promise<unknown>) => Promise<void>) => Promise<void>,
): Promise<Ran> {
  const times: number[] = [];
  const record = async (part: () => Promise<unknown>) => {
    const start = performance.now();
    await part();
    times.push(performance.now() - start);
  };
  const start = performance.now();
  await pool(items, atOnce, (item) => work(item, record));
  return { count: times.length, seconds: (performance.now() - start) / 1000, times };
}

type Spent = Pick<Measured, 'rate' | 'others' | 'busy'> & {
  times: number[];
  main: number;
  all: number;
};

/** The rate of some work, and the processor time of a record: main thread, this process, and others. */
async function spentBy(work: () => Promise<Ran>): Promise<Spent> {
  const [main, all, machine] = [process.threadCpuUsage(), process.cpuUsage(), machineTime()];
  const start = performance.now();
  const ran = await work();
  const machineWorked = machineTime() - machine;
  const own = microseconds(process.cpuUsage(all));
  return {
    rate: rateOf(ran),
    times: ran.times ?? [],
    main: microseconds(process.threadCpuUsage(main)) / ran.count,
    all: own / ran.count,
    others: Math.max(0, machineWorked - own) / ran.count,
    busy: machineWorked / 1000 / (performance.now() - start),
  };
}

function rateOf({ count, seconds }: Ran): number {
  return count / seconds;
}

function microseconds({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

/** The microseconds in which the machine's processors have worked. */
function machineTime(): number {
  const busy = cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq);
  return busy.reduce((sum, milliseconds) => sum + milliseconds * 1000, 0);
}
