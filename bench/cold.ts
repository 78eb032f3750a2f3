// Size and initialisation time of every function's bundle, each in a fresh Node as Lambda starts it.
import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildFunctions } from '../esbuild.config.ts';
import { median, table } from './figures.ts';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '..');
const RUNS = 9;
const GOAL = { kilobytes: 600, milliseconds: 150 };

const MEASURE = `
  const start = performance.now();
  await import(process.argv[1]);
  await new Promise(setImmediate); // what loads beside the bundle, too
  process.stdout.write(String(performance.now() - start), () => process.exit());
`;

const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'a',
  AWS_SECRET_ACCESS_KEY: 'b',
  ORDERS_TABLE: 'orders',
  ORDER_EVENTS_TOPIC: 'order-events',
  ORDER_EVENTS_DLQ: 'order-events-dlq',
  KAFKA_BROKERS: 'localhost:1',
  NOTIFICATION_EMAIL: 'ses,smtp',
  NOTIFICATION_SMS: 'sns',
  NOTIFICATION_FROM: 'orders@example.com',
  SMTP_URL: 'smtp://localhost:1',
};

/** OpenTelemetry loads, and sends nothing as long as nothing is invoked. */
const WITH_TRACES = { ...ENVIRONMENT, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1' };

async function initialisation(bundle: string, env: Record<string, string>): Promise<number> {
  const args = ['--input-type=module', '-e', MEASURE, bundle];
  const { stdout } = await run(process.execPath, args, { env, timeout: 20_000 });
  return Number(stdout);
}

async function initialisations(bundle: string, env: Record<string, string>): Promise<number> {
  await initialisation(bundle, env);
  const times: number[] = [];
  for (let count = 0; count < RUNS; count += 1) times.push(await initialisation(bundle, env));
  return Math.round(median(times));
}

async function main(): Promise<void> {
  await buildFunctions(ROOT);
  const rows: (string | number)[][] = [];
  for (const name of (await readdir(join(ROOT, 'functions'))).toSorted()) {
    const bundle = join(ROOT, 'dist', name, 'handler.js');
    const kilobytes = Math.round((await stat(bundle)).size / 1000);
    const milliseconds = await initialisations(bundle, ENVIRONMENT);
    const traced = await initialisations(bundle, WITH_TRACES);
    const isMet = kilobytes < GOAL.kilobytes && traced < GOAL.milliseconds;
    rows.push([name, kilobytes, milliseconds, traced, isMet ? 'yes' : 'no']);
  }
  console.log(
    table(['function', 'KB', `init ms (median of ${RUNS})`, 'with traces', 'goal met'], rows),
  );
  console.log(`Goal: under ${GOAL.kilobytes} KB unzipped and under ${GOAL.milliseconds} ms.`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
