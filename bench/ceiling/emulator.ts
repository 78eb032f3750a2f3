import { Bench, startEndpoint } from '../../plugins/kafka-event-source/bench/bench.ts';
import { newEvent } from '../../test/integration/notify/bench.ts';
import type { Stage } from './stage.ts';

const BATCH_SIZES = [100, 10_000];

/**
 * The emulator with a function that does nothing, on records as large as an order's events. Bare: a plain
 * kafkajs consumer of the same topic.
 */
export async function emulatorStages([broker = '']: string[], count: number) {
  const { endpoint, address } = await startEndpoint();
  const bench = new Bench(broker, address);
  const topic = await bench.topicOf(count, Buffer.byteLength(JSON.stringify(newEvent())));
  const ran = (rate: number) => ({ count, seconds: count / rate });
  const stages = BATCH_SIZES.map(
    (batchSize): Stage => ({
      name: `emulator, ${batchSize}`,
      ...{ perOrder: 4, isPassedByAll: true },
      own: async () => async () => ran(await bench.emulated(topic, count, batchSize)),
      bare: async () => async () => ran(await bench.plain(topic, count)),
    }),
  );
  return { stages, close: () => endpoint.disconnect() };
}
