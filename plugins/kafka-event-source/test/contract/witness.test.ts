/**
 * Reads the templates of public projects with Kafka events (test/witness/README.md): each event is a
 * mapping or a refusal that says why, and the plugin leaves a package as it is.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Definition, readDefinitions } from '../../definition.ts';
import type { Json } from '../../json.ts';
import { readOptions } from '../../options.ts';
import { loadTemplate } from '../../sources/source.ts';
import { PLUGIN } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { JOINED, packaged, writeService } from '../witness/service.ts';
import {
  files,
  isRun,
  NOT_PACKED,
  ofFramework,
  type Refused,
  type Runs,
  SHAPES,
  sourceOf,
  TEMPLATES,
  textOf,
} from '../witness/shapes.ts';

const BROKER = { bootstrapServers: 'localhost:9092' };

/** The part of a definition that the tables have. */
function rowOf({ name, mapping, refusals, warnings }: Definition): Runs | Refused {
  if (!mapping) return { refused: name, why: refusals.map(({ message }) => message) };
  const { functionName, topic, groupId, uuid, batchSize, source } = mapping;
  const group = groupId === uuid ? '-' : groupId;
  const from = source.eventSource === 'aws:kafka' ? source.eventSourceArn : 'own';
  return [functionName, topic, group, batchSize, from, ...warnings];
}

/** The row with its messages as parts of messages. */
function matching(row: Runs | Refused): unknown {
  const part = (text: string) => expect.stringContaining(text);
  if ('refused' in row) return { ...row, why: row.why.map(part) };
  return [...row.slice(0, 4), ...(row.slice(4) as string[]).map(part)];
}

const all = await files();

test('each template has a row, and names its source', async () => {
  expect(all.toSorted()).toEqual(Object.keys(SHAPES));
  for (const file of all) expect(sourceOf(file, await textOf(file))).toMatch(/./);
});

const templates = Object.entries(SHAPES).filter(([file]) => !ofFramework(file));
const services = Object.entries(SHAPES).filter(([file]) => ofFramework(file));

test.each(templates)('%s', async (file, { read, user }) => {
  expect(await rowsOf(file)).toEqual(read.map(matching));
  if (!user) return;
  // With the user's options, those that AWS refuses are refused still.
  const rows = await rowsOf(file, user.options);
  expect(rows.filter(isRun)).toEqual(user.runs.map(matching));
});

async function rowsOf(file: string, given: Json = {}) {
  const options = readOptions({ ...BROKER, ...given });
  const place = { region: 'us-east-1', stage: 'dev', given: options };
  const service = await loadTemplate(resolve(TEMPLATES, file), place);
  const { definitions, notDeployed } = readDefinitions(service, options);
  expect(notDeployed).toEqual([]);
  return definitions.map(rowOf);
}

describe('the services of the Serverless Framework, as one service', () => {
  let folder: string;
  const place = (name: string) => join(folder, name);
  const custom = { kafkaEventSource: BROKER };
  const names = services.map(([file]) => file);
  const packed = names.filter((file) => !NOT_PACKED.includes(file));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'witness-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('have a mapping, or a refusal, for each event', async () => {
    await writeService(place('all'), names, { custom, plugins: [PLUGIN, './probe.mjs'] });
    await writeFile(join(place('all'), 'probe.mjs'), PROBE);
    const { code, stdout, stderr } = await sls(['print'], place('all'));
    expect([code, code === 0 ? '' : stdout + stderr]).toEqual([0, '']);
    const found = JSON.parse(await readFile(join(place('all'), 'definitions.json'), 'utf8'));
    const expected = services.flatMap(([, { read }]) => read).map(inService);
    // The framework's events come before the resources.
    expect(sorted(found.map(rowOf))).toEqual(sorted(expected).map(matching));
  });

  test('are packaged as without the plugin, byte for byte', async () => {
    await writeService(place('with'), packed, { custom, plugins: [PLUGIN] });
    await writeService(place('without'), packed);
    const [own, plain] = await Promise.all([packaged(place('with')), packaged(place('without'))]);
    expect(plain[1]).toContain('"ReportWriterEventSourceMappingKafkaReportlines"');
    expect(own).toEqual(plain);
    // The package is a template of this package's command, too; there it has the same mappings.
    const file = join(place('with'), '.serverless/cloudformation-template-update-stack.json');
    const rows = services.filter(([file]) => packed.includes(file)).flatMap(([, { read }]) => read);
    const found = (await rowsOf(file)).map(withoutWarnings);
    const expected = rows.map(inService).map(withoutWarnings);
    expect(sorted(found)).toEqual(sorted(expected).map(matching));
  });
});

function inService(row: Runs | Refused): Runs | Refused {
  if (!isRun(row)) return row;
  const [name, ...others] = row;
  return [name.replace(/^\w+-dev-/, `${JOINED}-dev-`), ...others];
}

function withoutWarnings(row: Runs | Refused): Runs | Refused {
  return isRun(row) ? [row[0], row[1], row[2], row[3], row[4]] : row;
}

function sorted(rows: readonly (Runs | Refused)[]): readonly (Runs | Refused)[] {
  const nameOf = (row: Runs | Refused) => (isRun(row) ? `${row[0]} ${row[1]}` : row.refused);
  return rows.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
}

/** Writes the mappings that the plugin reads from the loaded service. */
const PROBE = `
import { writeFileSync } from 'node:fs';
export default class Probe {
  constructor(serverless) {
    this.hooks = {
      'before:print:print': async () => {
        const { loadDefinitions } = await import('./plugin/framework.ts');
        const { definitions } = loadDefinitions(serverless).definitions;
        writeFileSync('definitions.json', JSON.stringify(definitions));
      },
    };
  }
}
`;
