import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadClient } from '../../protocol/client.ts';
import { ROOT } from '../support/root.ts';

test('the installed release of kafkajs is the one that the replacements are written for', () => {
  expect(loadClient().degraded).toBeUndefined();
});

test('another release is used as it is, and a warning tells the losses', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kafkajs-'));
  await writeFile(join(folder, 'package.json'), '{"version":"2.3.0"}');
  await writeFile(join(folder, 'index.js'), 'module.exports = { Kafka: "of 2.3.0" }');
  const { kafkajs, degraded } = loadClient(folder);
  expect(kafkajs.Kafka).toBe('of 2.3.0');
  expect(degraded).toMatch(/kafkajs 2.3.0 is installed.*Install kafkajs 2.2.4/);
  await rm(folder, { recursive: true });
});

// In a process of its own, because Jest has its own module registries.
test("another plugin's kafkajs stays as it is, if loaded before or after", () => {
  const source = join(ROOT, 'protocol/client.ts');
  const script = (first: string, second: string) => `
    import { createRequire } from 'node:module';
    import { loadClient } from ${JSON.stringify(source)};
    const require = createRequire(${JSON.stringify(source)});
    const load = { own: () => loadClient().kafkajs, other: () => require('kafkajs') };
    const loaded = { ${first}: load.${first}(), ${second}: load.${second}() };
    const codecs = (kafkajs) => [2, 3, 4].map((number) => {
      try { return typeof kafkajs.CompressionCodecs[number]().decompress; } catch (e) { return e.name; }
    });
    const decoder = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js');
    console.log(JSON.stringify({
      isSame: loaded.own === loaded.other,
      own: codecs(loaded.own),
      other: codecs(loaded.other),
      isReplaced: decoder.toString().includes('decodeBatches'),
    }));`;
  for (const [first, second] of [
    ['own', 'other'],
    ['other', 'own'],
  ] as const) {
    const args = ['--input-type=module', '-e', script(first, second)];
    const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
    expect(JSON.parse(output)).toEqual({
      isSame: false,
      own: ['function', 'function', 'function'],
      other: Array(3).fill('KafkaJSNotImplemented'),
      isReplaced: false,
    });
  }
});
