// Imported first, so that the loggers and metrics of the other imports are silent.
import '../../test/support/environment.ts';

import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { ownBackend } from '../../test/support/backend.ts';
import { createOrderBench, type OrderBench } from '../../test/support/orders.ts';
import { type Bare, createBare } from './bare.ts';
import { emulatorStages } from './emulator.ts';
import type { StageName } from './names.ts';
import { notifyStage } from './notify.ts';
import { postStage, relayStage, updateStage } from './orders.ts';
import type { Saved } from './profile.ts';
import { report } from './report.ts';
import { type Measured, measure, type Stage } from './stage.ts';

export type Options = {
  only: StageName[];
  orders: number;
  rounds: number;
  /** The folder of the profiles. */
  folder: string | undefined;
};

/** The stages with a table of their own. */
const ON_A_TABLE = {
  post: postStage,
  update: updateStage,
  notify: notifyStage,
  relay: relayStage,
} satisfies Record<Exclude<StageName, 'emulator'>, (...of: never[]) => Promise<Stage>>;

/** The emulator delivers far more records in the same time, and its rate needs some batches of 10 000. */
const MORE_RECORDS = 200;
const LEAST_RECORDS = 40_000;
/** The services compile what they run often: the first thousands of requests are slower. */
const WARM_UP_ROUNDS = 5;

/** Measures the stages on services of its own, and prints the tables. */
export async function run({ only, orders, rounds, folder }: Options): Promise<void> {
  const save = await savingTo(folder);
  const { backend, addresses } = await ownBackend('ceiling', console.error);
  try {
    const measured: Measured[] = [];
    const measureAll = async (stages: Stage[], records: number) => {
      for (const stage of stages) measured.push(await measure(stage, { records, rounds }, save));
    };
    if (only.some((name) => name !== 'emulator')) {
      process.stderr.write('warm-up of DynamoDB Local and Kafka\n');
      await onOwnTable(addresses, async (bench, bare) => {
        const { own } = await postStage(bench, bare);
        await (await own(orders * WARM_UP_ROUNDS))();
      });
    }
    for (const name of only.filter((one) => one !== 'emulator')) {
      await onOwnTable(addresses, async (bench, bare) =>
        measureAll([await ON_A_TABLE[name](bench, bare)], orders),
      );
    }
    if (only.includes('emulator')) {
      const records = Math.max(LEAST_RECORDS, orders * MORE_RECORDS);
      const { stages, close } = await emulatorStages(addresses.brokers, records);
      await measureAll(stages, records).finally(close);
    }
    const cores = availableParallelism();
    console.log(`${cpus()[0]?.model}, ${cores} cores, Node ${process.versions.node}\n`);
    console.log(report(measured, cores));
  } finally {
    await backend.stop();
  }
}

/** Each stage has a table and topics of its own, so that no stage processes records of another. */
async function onOwnTable(
  addresses: Parameters<typeof createOrderBench>[0],
  work: (bench: OrderBench, bare: Bare) => Promise<void>,
): Promise<void> {
  const bench = await createOrderBench(addresses);
  const bare = await createBare(bench);
  try {
    await work(bench, bare);
  } finally {
    await bare.close();
    await bench.close();
  }
}

/** Writes profiles to a folder; without one they are not kept. */
async function savingTo(folder: string | undefined): Promise<Saved> {
  if (folder === undefined) return async () => undefined;
  await mkdir(folder, { recursive: true });
  return (name, profile) =>
    writeFile(join(folder, `${name.replaceAll(/\W+/g, '-')}.cpuprofile`), profile);
}
