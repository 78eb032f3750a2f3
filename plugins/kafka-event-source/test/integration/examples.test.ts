/**
 * Runs the examples that the published package's tests leave out: serverless-offline runs the function,
 * and the command, or the plugin, brings it a record. `npm run test:examples` runs them as their pages say.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { freePorts } from '../../broker/ports.ts';
import { startProgram } from '../support/program.ts';
import { link, MODULES, PLUGIN, ROOT } from '../support/root.ts';
import { plainEnvironment } from '../support/sls.ts';
import { Bench, until } from './bench.ts';

const MAIN = join(ROOT, 'cli/main.ts');
const SLS = join(MODULES, 'serverless/bin/serverless.js');
const env = plainEnvironment() as NodeJS.ProcessEnv;

/** Copies an example, with a topic of the test's own and what the reader installs. */
async function copy(name: string, topic: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `kes-example-${name}-`));
  await cp(join(ROOT, 'examples', name), folder, { recursive: true });
  await link(folder);
  if (name === 'cdk') {
    await mkdir(join(folder, 'cdk.out'));
    const template = join(folder, 'cdk.out/Greetings.template.json');
    await cp(join(ROOT, 'test/witness/cdk-greetings.template.json'), template);
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const text = await readFile(file, 'utf8');
    const changed = text
      .replaceAll('- lambda-kafka-event-source', `- ${PLUGIN}`)
      .replace(/(?<![\w-])greetings(?![\w-])/g, topic);
    await writeFile(file, changed);
  }
  return folder;
}

test.concurrent.each([
  ['sam', 'Greet'],
  ['cdk', 'Greet8553ACA9'],
  ['terraform', 'greet'],
])(
  'the example for %s: the command brings the function of its template a record',
  async (name, key) => {
    await using bench = new Bench();
    const cwd = await copy(name, bench.topic);
    try {
      const [http, lambda] = await freePorts(2);
      const ports = ['--httpPort', `${http}`, '--lambdaPort', `${lambda}`];
      const sls = [SLS, 'offline', 'start', ...ports];
      await using endpoint = startProgram(process.execPath, sls, { cwd, env });
      await bench.createTopic();
      await bench.produce([{ value: 'world' }]);
      const to = [
        '--endpoint',
        `http://127.0.0.1:${lambda}`,
        '--broker',
        `${process.env.KAFKA_BROKERS}`,
      ];
      const args = [MAIN, 'start', ...to];
      await using command = startProgram(process.execPath, args, { cwd, env });
      const seen = () => endpoint.output() + command.output();
      await until('the greeting', () => endpoint.output().includes('Hello, world!'), {
        withinMs: 60_000,
        seen,
      });
      expect(command.output()).toContain(`Kafka event source: ${key} (${bench.topic})`);
      await Promise.all([command.end(), endpoint.end()]);
    } finally {
      await rm(cwd, { recursive: true });
    }
  },
  90_000,
);

test.concurrent('the example in Python greets each record', async () => {
  await using bench = new Bench();
  const cwd = await copy('python', bench.topic);
  try {
    const [http, lambda] = await freePorts(2);
    const ports = ['--httpPort', `${http}`, '--lambdaPort', `${lambda}`];
    const own = { ...env, KAFKA_BROKERS: `${process.env.KAFKA_BROKERS}` };
    const args = [SLS, 'offline', 'start', ...ports];
    await using offline = startProgram(process.execPath, args, { cwd, env: own });
    await bench.createTopic();
    await bench.produce([{ value: 'world' }]);
    const seen = offline.output;
    await until('the greeting', () => seen().includes('Hello, world!'), { withinMs: 60_000, seen });
    await offline.end();
  } finally {
    await rm(cwd, { recursive: true });
  }
}, 90_000);

test.each(['serverless', 'sam', 'cdk', 'terraform', 'python'])(
  'the page of the example for %s has at most four commands, and its package the right version',
  async (name) => {
    const read = (file: string) => readFile(join(ROOT, 'examples', name, file), 'utf8');
    const [, commands = ''] = (await read('README.md')).split(/^```sh\n|^```\n/m);
    expect(commands.trim().split('\n').length).toBeLessThanOrEqual(4);
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const { devDependencies } = JSON.parse(await read('package.json'));
    expect(devDependencies['lambda-kafka-event-source']).toBe(`^${version}`);
  },
);
