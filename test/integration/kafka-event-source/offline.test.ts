import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { freePort } from '../../../local/ports.ts';
import { Bench, until } from './bench.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sls = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');
const plugin = './plugins/kafka-event-source/index.ts';
const offline = 'serverless-offline';

test.each([
  ['before', [plugin, offline]],
  ['after', [offline, plugin]],
])('sls offline start, with the plugin listed %s serverless-offline', async (_, plugins) => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(2);
  const directory = await createService(bench, plugins);
  const child = spawn(process.execPath, [sls, 'offline', 'start'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const output = collect(child);
    const options = { withinMs: 40_000, seen: output };
    const count = (line: string) => output().split(`${line}\n`).length - 1;
    await until('the records', () => count('received 0,1') === 1, options);
    await bench.produce([{ value: 'boom' }]);
    await until('a second attempt', () => count('received boom') === 2, options);
    await until('the commit', async () => (await bench.committed()) === 3, options);
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  }
});

async function createService({ topic, groupId }: Bench, plugins: string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kes-service-'));
  const kafka = {
    accessConfigurations: { saslScram512Auth: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
    bootstrapServers: ['kafka.invalid:9096'],
    topic,
    consumerGroupId: groupId,
  };
  const service = {
    service: 'kafka-event-source',
    frameworkVersion: '4',
    configValidationMode: 'error',
    plugins,
    provider: { name: 'aws', runtime: 'nodejs24.x', stage: 'local' },
    custom: {
      'serverless-offline': { lambdaPort: await freePort(), noSponsor: true },
      kafkaEventSource: { bootstrapServers: process.env.KAFKA_BROKERS },
    },
    functions: { print: { handler: 'handler.print', events: [{ kafka }] } },
  };
  await writeFile(join(directory, 'serverless.json'), JSON.stringify(service));
  await cp(new URL('service/handler.mjs', import.meta.url), join(directory, 'handler.mjs'));
  for (const folder of ['node_modules', 'plugins']) {
    await symlink(join(root, folder), join(directory, folder));
  }
  return directory;
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk;
    });
  }
  return () => text;
}
