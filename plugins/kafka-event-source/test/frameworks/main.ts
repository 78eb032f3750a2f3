import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { table } from '../../bench/figures.ts';
import { startBroker } from '../../broker/broker.ts';
import { freePorts } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';
import { createLedTopics } from '../../topics.ts';
import { install, installNode, mustRun, sizeOf, sizeText, start } from '../support/install.ts';
import { pack } from '../support/tarball.ts';
import { until } from '../support/until.ts';
import { FRAMEWORKS, type Framework, OFFLINE } from './frameworks.ts';

const HELP = `npm run test:frameworks -- [--only <text>]

Packs the plugin, installs it by npm beside each framework in an empty folder, and runs its example for Serverless
with each Node, on a Kafka of its own: a record must reach the function, "sls kafka status" must name the
mapping, "sls package" must succeed, and the package's own command must start without warnings. An older
Node must end with one line. Prints the size of the installation and a table; ends with 1 if a run fails.
Frameworks and Nodes come from npm.
--only runs the lines that contain the text, such as "osls 4" or "22.15.0".`;

const NAME = 'lambda-kafka-event-source';

/** Nodes that are too old for the plugin. */
const REFUSED = ['20'];
interface Run {
  readonly framework: Framework;
  readonly node: string;
}

interface Row {
  readonly cells: readonly string[];
  readonly passed: boolean;
}

const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const runs = FRAMEWORKS.flatMap((framework) =>
    framework.nodes.map((node) => ({ framework, node })),
  ).filter(({ framework, node }) => `${framework.name}, Node ${node}`.includes(values.only ?? ''));
  if (runs.length === 0) throw new Error(HELP);
  const folder = await mkdtemp(join(tmpdir(), 'kes-frameworks-'));
  const supervisor = supervise(join(folder, 'broker'));
  supervisor.remove(folder);
  try {
    const tarball = await pack(folder);
    const alone = await install(join(folder, 'alone'), ['--omit=peer', tarball]);
    console.log(`Installed: ${sizeText(await sizeOf(alone))}`);
    const [port = 0] = await freePorts(1);
    const directory = join(folder, 'broker');
    const broker = await startBroker({ directory, port, supervisor, say: console.error });
    const rows: Row[] = [];
    for (const run of runs) {
      const row = await rowOf(run, folder, tarball, broker.kafkaBrokers);
      console.error(row.cells.join(', '));
      rows.push(row);
    }
    const head = ['framework', OFFLINE, 'Node', 'result'];
    const cells = rows.map((row) => row.cells);
    console.log(table(head, cells));
    if (rows.some(({ passed }) => !passed)) process.exitCode = 1;
  } finally {
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function rowOf(run: Run, folder: string, tarball: string, brokers: string): Promise<Row> {
  const { framework, node } = run;
  const names = [framework.name, node];
  try {
    const home = await install(join(folder, names[0]?.replaceAll(' ', '-') ?? ''), [
      ...framework.packages,
      tarball,
    ]);
    const binary = await installNode(folder, node);
    const versions = [
      `${framework.name.replace(/ \d$/, '')} ${await versionOf(home, 'serverless')}`,
      await versionOf(home, OFFLINE),
      (await mustRun(binary, ['--version'], home)).trim().slice(1),
    ];
    const result = await tryOut(run, home, binary, brokers);
    return { cells: [...versions, result], passed: true };
  } catch (error) {
    console.error(error);
    const [line = ''] = String(error).split('\n');
    return { cells: [framework.name, '', node, `failed: ${line}`], passed: false };
  }
}

async function versionOf(home: string, name: string): Promise<string> {
  const text = await readFile(join(home, 'node_modules', name, 'package.json'), 'utf8');
  return JSON.parse(text).version;
}

/** Runs the example. @throws Error with the output if a step fails */
async function tryOut(run: Run, home: string, binary: string, brokers: string): Promise<string> {
  const isRefused = REFUSED.includes(run.node);
  await tryCommand(home, binary, isRefused ? /^Error: .* needs Node / : /^Error: No template /);
  const service = join(home, `serverless-${run.node}`);
  await cp(join(home, 'node_modules', NAME, 'examples/serverless'), service, { recursive: true });
  const topic = `greetings-${crypto.randomUUID()}`;
  await produce(brokers, topic);
  const env = { KAFKA_BROKERS: brokers, TOPIC: topic };
  const sls = join(home, 'node_modules/serverless/bin/serverless.js');
  const [httpPort, lambdaPort] = await freePorts(2);
  const ports = ['--httpPort', `${httpPort}`, '--lambdaPort', `${lambdaPort}`];
  const offline = start(binary, [sls, 'offline', 'start', ...ports], service, env);
  try {
    if (isRefused) {
      const code = await offline.ended;
      const said = /^.*needs Node [\d.]+ or later; this is Node 20.*$/m.exec(offline.output())?.[0];
      if (code !== 1 || !said) throw new Error(`it ended with ${code}: ${offline.output()}`);
      return 'ends with the line that names the needed Node';
    }
    await until(
      'the greeting',
      () => {
        if (offline.output().includes('Hello, world!')) return true;
        if (offline.hasEnded()) throw new Error(`it ended: ${offline.output()}`);
        return undefined;
      },
      60_000,
    ).catch((error) => {
      throw new Error(`${error}: ${offline.output()}`);
    });
    const status = await mustRun(binary, [sls, 'kafka', 'status'], service, env);
    if (!status.includes(topic)) throw new Error(`status lacks the mapping: ${status}`);
    await mustRun(binary, [sls, 'package'], service, env);
    return 'delivers; status and package work';
  } finally {
    offline.child.kill('SIGINT');
    await offline.ended;
  }
}

/** Runs the package's own command where no template is: it must say only this, without warnings. */
async function tryCommand(home: string, binary: string, expected: RegExp): Promise<void> {
  const command = start(binary, [join(home, 'node_modules', NAME, 'dist/main.js'), 'status'], home);
  const code = await command.ended;
  const lines = command.output().trimEnd().split('\n');
  if (code === 1 && lines.length === 1 && expected.test(lines[0] ?? '')) return;
  throw new Error(`the command ended with ${code}: ${command.output()}`);
}

async function produce(brokers: string, topic: string): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  await createLedTopics(admin, [{ topic }]);
  await producer.send({ topic, messages: [{ value: 'world' }] });
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
