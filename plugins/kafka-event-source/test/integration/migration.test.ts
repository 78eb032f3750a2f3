/** Runs the tests of the migration in docs/recipes.md: with this broker in place of the container, and as ground. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { BEFORE, recipes, writeRecipes } from '../support/recipes.ts';
import { Bench } from './bench.ts';

/** A container that is already there. */
const CONTAINER = `
const [host, port] = process.env.KAFKA_BROKERS.split(',')[0].split(':');
const container = { getHost: () => host, getMappedPort: () => Number(port), stop: async () => {} };
export class KafkaContainer {
  start = async () => container;
}
`;

test('the test with a container passes, and so does the kit on the same broker', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const folder = await mkdtemp(join(tmpdir(), 'kes-migration-'));
  try {
    const text = (await recipes()).get(BEFORE) ?? '';
    // The topic and the group of this run alone.
    const own = text.replaceAll(/'(orders|notify)'/g, `'${bench.topic}'`);
    const files = [...(await recipes()), [BEFORE, own] as const];
    await writeRecipes(folder, files, ['kafkajs']);
    const stub = join(folder, 'node_modules/@testcontainers/kafka');
    await mkdir(stub, { recursive: true });
    await writeFile(join(stub, 'index.mjs'), CONTAINER);
    await writeFile(join(stub, 'package.json'), '{"exports":"./index.mjs"}');
    const { KAFKA_BROKERS: GROUND } = process.env;
    for (const file of [BEFORE, 'after.test.mjs']) {
      const { stdout } = await promisify(execFile)(process.execPath, ['--test', file], {
        cwd: folder,
        env: { ...process.env, GROUND },
        timeout: 60_000,
      });
      expect(stdout).toContain('a mail is sent');
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
