import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startProgram } from '../support/program.ts';
import { ROOT } from '../support/root.ts';
import { plainEnvironment } from '../support/sls.ts';
import { Bench, success, until } from './bench.ts';

const PARTITIONS = [0, 1, 2, 3];

test.each([
  ['function', 'one after the other', 1],
  ['another', 'at once', 2],
])(
  'invocations of four partitions at the address of the function "%s" run %s',
  async (name, _, least) => {
    await using bench = new Bench();
    await bench.createTopic(PARTITIONS.length);
    let running = 0;
    const seen: number[] = [];
    const lambda = await bench.lambda(async () => {
      running += 1;
      seen.push(running);
      await pause(50); // The function's work, in which another invocation could begin.
      running -= 1;
      return success;
    });
    for (const partition of PARTITIONS) await bench.produceCount(3, { partition });
    const kafka = { topic: bench.topic, consumerGroupId: bench.groupId, batchSize: 1 };
    const settings = {
      apiPort: 0,
      broker: process.env.KAFKA_BROKERS,
      endpoint: `${lambda.endpoint}/2015-03-31/functions/${name}/invocations`,
      functions: { notify: { events: [{ kafka }] } },
    };
    const folder = await mkdtemp(join(tmpdir(), 'kes-emulator-'));
    try {
      await writeFile(join(folder, 'kafka-event-source.yml'), JSON.stringify(settings));
      const options = { cwd: folder, env: plainEnvironment() as NodeJS.ProcessEnv };
      const main = join(ROOT, 'cli/main.ts');
      await using program = startProgram(process.execPath, [main, 'start'], options);
      const committed = async () => {
        const commits = await bench.commits();
        return PARTITIONS.every((partition) =>
          commits.some((one) => one.partition === partition && Number(one.offset) === 3),
        );
      };
      await until('the commits', committed, { seen: program.output });
      await program.end();
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(Math.min(Math.max(...seen), 2)).toBe(least);
  },
);
