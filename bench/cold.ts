// Size and initialisation time of every function's bundle, each in a fresh Node as Lambda starts it.
// Then the share of the check of callers, against the same bundle without the check.
// With folders of builds (copies of dist/) it compares each with the first one, in random turns, so that
// other load on the machine affects all alike.
//   npm run bench:cold -- /tmp/before dist [--runs 40] [--only createOrder,notify]
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { BUNDLE, buildFunctions } from '../esbuild.config.ts';
import { createSigner, ISSUER, jwtEnvironment } from '../test/support/tokens.ts';
import { differences, median, quantile, shuffled, table } from './figures.ts';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '..');
/** A bundle that takes longer is looked into: docs/decisions.md, "No limit for the size of a bundle". */
const LIMIT_MS = 150;
const CALLERS_GOAL_MS = 20;
/** The heads of the columns of a comparison. */
const HEAD = ['function', 'build', 'KB', 'init ms', 'more than the first (quartiles)', 'of CPU'];

const { values: options, positionals: builds } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '9' }, only: { type: 'string' } },
});
const RUNS = Number(options.runs);

/** Prints the milliseconds of the initialisation, and of CPU time in it. */
const MEASURE = `
  const start = performance.now();
  const before = process.cpuUsage();
  await import(process.argv[1]);
  // The bundle has begun to import otel.js, and starts OpenTelemetry when it is loaded.
  if (process.env.OTEL_EXPORTER_OTLP_ENDPOINT) await import(process.argv[1].replace('handler.js', 'otel.js'));
  await new Promise(setImmediate);
  const { user, system } = process.cpuUsage(before);
  const times = { wall: performance.now() - start, cpu: (user + system) / 1000 };
  process.stdout.write(JSON.stringify(times), () => process.exit());
`;

const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'a',
  AWS_SECRET_ACCESS_KEY: 'b',
  ORDERS_TABLE: 'orders',
  ORDER_EVENTS_TOPIC: 'order-events',
  ORDER_EVENTS_DLQ: 'order-events-dlq',
  KAFKA_BROKERS: 'localhost:1',
  AUTH: 'off',
  NOTIFICATION_EMAIL: 'ses,smtp',
  NOTIFICATION_SMS: 'sns',
  NOTIFICATION_FROM: 'orders@example.com',
  SMTP_URL: 'smtp://localhost:1',
};

/** OpenTelemetry loads, and sends nothing as long as nothing is invoked. */
const WITH_TRACES = { ...ENVIRONMENT, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1' };

const WITHOUT_CALLERS: Plugin = {
  name: 'without callers',
  setup({ onLoad }) {
    onLoad({ filter: /lib\/identity\/callers\.ts$/ }, () => ({
      contents: 'export const createCallers = () => ({});',
    }));
  },
};

type Times = { wall: number; cpu: number };
/** A bundle to start, by the name of its build. */
type Start = { label: string; bundle: string; env: Record<string, string> };

async function initialisation(bundle: string, env: Record<string, string>): Promise<Times> {
  const args = ['--input-type=module', '-e', MEASURE, bundle];
  const { stdout } = await run(process.execPath, args, { env, timeout: 20_000 });
  return JSON.parse(stdout);
}

async function medianOf(bundle: string, env: Record<string, string>): Promise<number> {
  await initialisation(bundle, env);
  const times: number[] = [];
  for (let count = 0; count < RUNS; count += 1) {
    times.push((await initialisation(bundle, env)).wall);
  }
  return Math.round(median(times));
}

async function kilobytesOf(bundle: string): Promise<number> {
  return Math.round((await stat(bundle)).size / 1000);
}

async function measure(names: string[]): Promise<void> {
  await buildFunctions(ROOT);
  const rows: (string | number)[][] = [];
  for (const name of names) {
    const bundle = bundleIn('dist', name);
    const milliseconds = await medianOf(bundle, ENVIRONMENT);
    const traced = await medianOf(bundle, WITH_TRACES);
    const isSlow = traced > LIMIT_MS;
    rows.push([name, await kilobytesOf(bundle), milliseconds, traced, isSlow ? 'slow' : '']);
  }
  const head = ['function', 'KB', `init ms (median of ${RUNS})`, 'with traces', ''];
  console.log(table(head, rows));
  console.log(`Slow: over ${LIMIT_MS} ms.`);
}

/** Compares each function that checks callers, with the settings of a token, with the same function without the check. */
async function measureCallers(names: string[]): Promise<void> {
  const { jwk } = await createSigner();
  const env = {
    ...ENVIRONMENT,
    ...jwtEnvironment(ISSUER, jwk),
    HASH_SECRET: 'of-this-bench-alone',
  };
  const folder = await mkdtemp(join(tmpdir(), 'bench-cold-'));
  const rows: (string | number)[][] = [];
  for (const name of names) {
    const handler = join(ROOT, 'functions', name, 'handler.ts');
    if (!(await readFile(handler, 'utf8')).includes('createCallers')) continue;
    const outfile = join(folder, `${name}.mjs`);
    const plugins = [WITHOUT_CALLERS];
    await build({ ...BUNDLE, entryPoints: [handler], outfile, plugins, external: ['*/otel.ts'] });
    const starts = [
      { label: 'without callers', bundle: outfile, env: ENVIRONMENT },
      { label: 'with callers', bundle: bundleIn('dist', name), env },
    ];
    rows.push(...(await rowsOf(name, starts)));
  }
  await rm(folder, { recursive: true });
  console.log(`\n${table(HEAD, rows)}\nGoal: at most ${CALLERS_GOAL_MS} ms more with callers.`);
}

/** Compares each build with the first. */
async function compare(names: string[]): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const name of names) {
    const starts = builds.map((build) => ({
      label: build,
      bundle: bundleIn(build, name),
      env: ENVIRONMENT,
    }));
    rows.push(...(await rowsOf(name, starts)));
  }
  console.log(table(HEAD, rows));
}

/** Starts all in random turns. Differences are by pairs of the same turn: their median and quartiles. */
async function rowsOf(name: string, starts: Start[]): Promise<(string | number)[][]> {
  const turns: Map<string, Times>[] = [];
  for (let count = -1; count < RUNS; count += 1) {
    const turn = new Map<string, Times>();
    for (const { label, bundle, env } of shuffled(starts)) {
      turn.set(label, await initialisation(bundle, env));
    }
    if (count >= 0) turns.push(turn); // the first turn warms the files
  }
  const figures = (label: string, unit: keyof Times) =>
    turns.map((turn) => turn.get(label)?.[unit] ?? Number.NaN);
  const [first] = starts;
  const rows = starts.map(async (start) => {
    const { label, bundle } = start;
    const own = [name, label, await kilobytesOf(bundle), ms(figures(label, 'wall'))];
    if (!first || start === first) return own;
    const more = (['wall', 'cpu'] as const).map((unit) =>
      spread(differences(figures(label, unit), figures(first.label, unit))),
    );
    return [...own, ...more];
  });
  return Promise.all(rows);
}

function bundleIn(build: string, name: string): string {
  return resolve(ROOT, build, name, 'handler.js');
}

function ms(values: number[]): string {
  return median(values).toFixed(1);
}

function spread(values: number[]): string {
  const [low, high] = [0.25, 0.75].map((share) => quantile(values, share).toFixed(1));
  return `${ms(values)} (${low} to ${high})`;
}

async function main(): Promise<void> {
  const all = (await readdir(join(ROOT, 'functions'))).toSorted();
  const names = options.only?.split(',') ?? all;
  if (builds.length > 0) return compare(names);
  await measure(names);
  await measureCallers(names);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
