// Runs the suite of scenarios.ts with each way to run the emulator (frontends.ts), at each endpoint that
// invokes the function (endpoints.ts).
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startBroker } from '../../broker/broker.ts';
import { freePort } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';
import { install } from '../support/install.ts';
import { ROOT } from '../support/root.ts';
import { pack } from '../support/tarball.ts';
import { documentOf, type PairResult } from './document.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { FRONTENDS, type Frontend, type Workshop } from './frontends.ts';
import { runPair } from './pair.ts';

const HELP = `npm run test:conformance -- [--all | --only <text>] [--json <file>] [--synth]

Runs one suite (payload, batching, partial failures, retries, bisect, destinations, filters, positions) with
the plugin and the command, on a Kafka of its own. Without an option it runs a set in which each frontend
of this repository and each endpoint is once; the framework's older releases come from npm, in --all.
--all runs every pair, and writes docs/conformance.md.
--only runs the pairs whose name has the text: "command, SAM × plain Invoke server".
--json writes the number of passed and failed tests to a file.
--synth synthesizes the CDK template anew, with aws-cdk-lib from npm.
AWS's runtime interface emulator is built by Go; without it, or without Python, its pairs are left out, and
a line says so. Builds go to .local/conformance. Ends with 1 if a test fails.`;

/** Each frontend of this repository and each endpoint, and the pairs that differ from others. */
const DEFAULT = [
  'plugin, osls 4 × serverless-offline',
  'plugin, osls 4 × runtime interface emulator, Node',
  'command, SAM × sam local start-lambda',
  'command, CDK × runtime interface emulator, Node',
  'command, Terraform × runtime interface emulator, Python',
  'command, CloudFormation × plain Invoke server',
  'command, kafka-event-source.yml × serverless-offline',
];

interface Pair {
  readonly name: string;
  readonly frontend: Frontend;
  readonly endpoint: Endpoint;
}

const PAIRS: readonly Pair[] = FRONTENDS.flatMap((frontend) =>
  ENDPOINTS.map((endpoint) => ({
    name: `${frontend.name} × ${endpoint.name}`,
    frontend,
    endpoint,
  })),
);

const { values } = parseArgs({
  options: {
    all: { type: 'boolean' },
    only: { type: 'string' },
    json: { type: 'string' },
    synth: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const folder = await mkdtemp(join(tmpdir(), 'kes-conformance-'));
  const supervisor = supervise(join(folder, 'broker'));
  supervisor.remove(folder);
  try {
    if (values.synth) return await synthesize(folder);
    const pairs = chosenPairs();
    const port = await freePort();
    const directory = join(folder, 'broker');
    const broker = await startBroker({ directory, port, supervisor, say: console.error });
    const results = await runAll(pairs, folder, broker.kafkaBrokers);
    await report(results);
  } finally {
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function chosenPairs(): readonly Pair[] {
  const { all, only } = values;
  const chosen = PAIRS.filter(({ name }) =>
    only === undefined ? all || DEFAULT.includes(name) : name.includes(only),
  );
  if (chosen.length === 0) throw new Error(`No pair has "${only}" in its name.\n\n${HELP}`);
  return chosen;
}

async function runAll(pairs: readonly Pair[], folder: string, brokers: string) {
  let packed: Promise<string> | undefined;
  const tarball = () => {
    packed ??= pack(folder);
    return packed;
  };
  const workshop = { folder, tarball };
  const results: PairResult[] = [];
  for (const pair of pairs) {
    const result = await resultOf(pair, brokers, workshop);
    const seconds = (result.ms / 1000).toFixed(1);
    console.error(`${pair.name}: ${result.missing ?? `${count(result)}, ${seconds} s`}`);
    for (const { scenario, error } of result.tests) {
      if (error !== undefined) console.error(`  ${scenario.id} failed: ${error}`);
    }
    if (result.error !== undefined) console.error(`  failed: ${result.error}`);
    results.push(result);
  }
  return results;
}

async function resultOf(pair: Pair, brokers: string, workshop: Workshop): Promise<PairResult> {
  const { frontend, endpoint } = pair;
  const missing = await endpoint.missing();
  const common = { frontend, endpoint, tests: [], ms: 0, missing, error: undefined };
  if (missing !== undefined) return common;
  let began = performance.now();
  try {
    await endpoint.prepare();
    began = performance.now();
    const tests = await runPair(pair, brokers, workshop);
    return { ...common, tests, ms: performance.now() - began };
  } catch (error) {
    // The other pairs still run, and this one fails the run at its end.
    const text = error instanceof Error ? error.message : String(error);
    return { ...common, ms: performance.now() - began, error: text };
  }
}

function count({ tests, error }: PairResult): string {
  const passed = tests.filter((test) => test.error === undefined).length;
  return `${passed} passed, ${tests.length - passed + (error === undefined ? 0 : 1)} failed`;
}

async function report(results: readonly PairResult[]): Promise<void> {
  const tests = results.flatMap((result) => result.tests);
  const passed = tests.filter(({ error }) => error === undefined).length;
  const broken = results.filter(({ error }) => error !== undefined).length;
  const failed = tests.length - passed + broken;
  for (const { frontend, endpoint, missing } of results) {
    if (missing) console.log(`Left out: ${frontend.name} × ${endpoint.name}: ${missing}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (values.json) await writeFile(values.json, JSON.stringify({ passed, failed }));
  if (values.all && values.only === undefined) {
    await writeFile(join(ROOT, 'docs/conformance.md'), documentOf(results));
  }
  if (failed > 0) process.exitCode = 1;
}

/** Keeps the template that CDK makes of cdk/app.ts. */
async function synthesize(folder: string): Promise<void> {
  const home = await install(join(folder, 'cdk'), ['aws-cdk-lib@2.276.0', 'constructs@10.8.1']);
  const out = join(folder, 'cdk.out');
  await mkdir(out);
  const own = join(import.meta.dirname, 'cdk');
  const env = { ...process.env, CDK_HOME: home, CDK_OUT: out };
  await promisify(execFile)(process.execPath, [join(own, 'app.ts')], { env });
  const name = 'conformance.template.json';
  await copyFile(join(out, name), join(own, name));
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
