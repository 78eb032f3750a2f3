import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PLUGIN } from '../support/root.ts';
import { Bench, until } from './bench.ts';
import { createService, runOffline } from './offline-service.ts';

const PYTHON = `
import os
def main(event, context):
    (records,) = event["records"].values()
    for record in records:
        print("received", record["offset"])
        if record["offset"] == 1 and not os.path.exists("raised"):
            open("raised", "w").close()
            raise ValueError("bad order")
`;

/** Runs `sls offline start` with a function of this runtime, of which `files` has the code. */
async function run(
  bench: Bench,
  runtime: string,
  files: Readonly<Record<string, string | Buffer>>,
  check: (output: () => string) => Promise<void>,
  definition: object = {},
): Promise<void> {
  await bench.createTopic();
  const options = { runtime, batchSize: 1, definition };
  const directory = await createService(bench, [PLUGIN, 'serverless-offline'], 'main', options);
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content);
  }
  await using service = runOffline(directory);
  await bench.produce([{ value: 'a' }, { value: 'b' }, { value: 'c' }]);
  await check(service.output);
}

// Python is no prerequisite of this repository.
const hasPython = spawnSync('python3', ['--version']).status === 0;

(hasPython ? test : test.skip)(
  'a handler of Python that returns nothing has answered, and one that raises fails with its words (needs python3)',
  async () => {
    await using bench = new Bench();
    await run(bench, 'python3.13', { 'handler.py': PYTHON }, async (seen) => {
      await until('the commit', async () => (await bench.committed()) === 3, { seen });
      await until('the reason', () => seen().includes('Unhandled: ValueError: bad order'), {
        seen,
      });
      const calls = (offset: number) => seen().split(`received ${offset}\n`).length - 1;
      await until('the output', () => calls(2) > 0, { seen });
      expect([calls(0), calls(1), calls(2)]).toEqual([1, 2, 1]);
      expect(seen()).not.toContain('[504] - Lambda timeout');
    });
  },
);

test('records of a Java function that did not run are not committed', async () => {
  await using bench = new Bench();
  // An archive without files: the class is not in it.
  const archive = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);
  const definition = { package: { artifact: 'demo.jar' }, timeout: 60 };
  await run(
    bench,
    'java17',
    { 'demo.jar': archive },
    async (seen) => {
      const failed = () => seen().split('Unhandled: serverless-offline').length - 1;
      await until('two attempts', () => failed() >= 2, { seen });
      expect(seen()).toContain("serverless-offline's Java runner got no answer from the function");
      expect(await bench.committed()).toBe(-1);
    },
    definition,
  );
});
