/** Starts each template alone, packages each service alone, and prints a table. */
import { rejects } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../bench/figures.ts';
import { startBroker } from '../../broker/broker.ts';
import { freePort } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';
import { PLUGIN } from '../support/root.ts';
import { deliver } from './deliver.ts';
import { packaged, writeService } from './service.ts';
import { frontendOf, NOT_PACKED, ofFramework, SHAPES, sourceOf, textOf } from './shapes.ts';

const HELP = `npm run test:witness -- [--only <text>]

Starts each template of test/witness/templates alone, two at a time, on a Kafka of its own: a service of the
framework by "sls offline start", another template by this package's command. Each mapping must deliver its
records to its function in AWS's event, and commit them. Each service is packaged with the plugin and without:
both templates must be the same bytes. Prints a table; ends with 1 if one fails.
--only runs the templates whose names contain the text, such as "terraform" or "05".`;

const AT_ONCE = 2;

interface Row {
  readonly cells: readonly string[];
  readonly passed: boolean;
}

const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });

async function main(): Promise<void> {
  const names = Object.keys(SHAPES).filter((file) => file.includes(values.only ?? ''));
  if (values.help || names.length === 0) return console.log(HELP);
  const folder = await mkdtemp(join(tmpdir(), 'kes-witness-'));
  const directory = join(folder, 'broker');
  const supervisor = supervise(directory);
  supervisor.remove(folder);
  try {
    const port = await freePort();
    const broker = await startBroker({ directory, port, supervisor, say: console.error });
    const rows = new Map<string, Row>();
    const waiting = [...names];
    const work = async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const row = await rowOf(file, broker.kafkaBrokers, folder);
        console.error(row.cells.join(', '));
        rows.set(file, row);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const found = names.flatMap((file) => rows.get(file) ?? []);
    const head = ['template', 'repository', 'frontend', 'mappings', 'records', 'package'];
    console.log(
      table(
        head,
        found.map(({ cells }) => cells),
      ),
    );
    if (found.some(({ passed }) => !passed)) process.exitCode = 1;
  } finally {
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function rowOf(file: string, brokers: string, folder: string): Promise<Row> {
  const text = await textOf(file);
  const first = [file.replace(/\.\w+$/, ''), sourceOf(file, text), frontendOf(file, text)];
  try {
    const { mappings, records } = await deliver([file], brokers);
    const same = await comparePackages(file, folder);
    return { cells: [...first, `${mappings}`, `${records}`, same], passed: true };
  } catch (error) {
    console.error(error);
    const [line = ''] = String(error).split('\n');
    return { cells: [...first, `failed: ${line}`], passed: false };
  }
}

/** @throws Error with the first line that differs */
async function comparePackages(file: string, folder: string): Promise<string> {
  if (!ofFramework(file)) return '-';
  const custom = { kafkaEventSource: { bootstrapServers: 'localhost:9092' } };
  const [own, plain] = [join(folder, `${file}-with`), join(folder, `${file}-without`)];
  await writeService(own, [file], { custom, plugins: [PLUGIN] });
  await writeService(plain, [file]);
  if (NOT_PACKED.includes(file)) {
    await Promise.all([rejects(packaged(own)), rejects(packaged(plain))]);
    return 'fails without the plugin too';
  }
  const [texts, others] = [await packaged(own), await packaged(plain)];
  if (texts.join('\n') === others.join('\n')) return 'same bytes';
  const lines = texts.join('\n').split('\n');
  const expected = others.join('\n').split('\n');
  const at = lines.findIndex((line, index) => line !== expected[index]);
  throw new Error(`the package has ${lines[at]}, and without the plugin ${expected[at]}`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
