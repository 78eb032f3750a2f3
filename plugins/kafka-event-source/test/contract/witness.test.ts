/**
 * Reads the templates of public projects with Kafka events (test/witness/README.md): each event is a
 * mapping or a refusal that says why, and the plugin leaves a package as it is.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Definition, readDefinitions } from '../../definition.ts';
import type { Json } from '../../json.ts';
import { readOptions } from '../../options.ts';
import { loadTemplate } from '../../sources/source.ts';
import { parseYaml } from '../../sources/yaml.ts';
import { merge } from '../../template/merge.ts';
import { link, PLUGIN, ROOT } from '../support/root.ts';
import { sls } from '../support/sls.ts';

const TEMPLATES = join(ROOT, 'test/witness/templates');
const BROKER = { bootstrapServers: 'localhost:9092' };

/** Function, topic, group (`-` for the mapping's UUID), batch size; then a part of each warning. */
type Runs = readonly [name: string, topic: string, group: string, size: number, ...string[]];
/** A mapping that does not run: its name in messages, and a part of each refusal. */
type Refused = { readonly refused: string; readonly why: readonly string[] };

/** The framework's package fails on `arn:*`, with the plugin and without: this service only runs on a machine. */
const NOT_PACKED = '03-placeholder-arn.yml';

const noCluster = 'is not the ARN of an Amazon MSK cluster';
const sharedWith = (name: string) => `is also the group of ${name}`;
const noDocker = (runtime: string) =>
  `serverless-offline runs no functions of ${runtime} without Docker`;
const unknownTopic = (ref: string) =>
  `Topics.0 is {"Ref":"${ref}"}, which only CloudFormation knows`;
const madeLetters = 'Only AWS knows the ARN of aws_sqs_queue.letters.arn: here it is arn:aws:sqs:';

const TEMPLATE_MAPPINGS: Readonly<Record<string, readonly (Runs | Refused)[]>> = {
  '11-filters-placeholder-stream.yaml': [
    ['1-all', 'NoTopicGiven', '-', 100, noCluster],
    ['2-range-or-flag', 'NoTopicGiven', '-', 100, noCluster],
    ['3-plain-text', 'NoTopicGiven', '-', 100, noCluster],
    ['4-metadata', 'NoTopicGiven', '-', 100, 'AWS documents filters on value only', noCluster],
  ],
  '12-joined-arn.yaml': [['ContactFunction', 'KAFKA_TOPIC', '-', 10, noDocker('java21')]],
  '13-import-by-sub-and-glue.yaml': [
    {
      refused: 'ClickFunction (clicks)',
      why: [
        "AWS Glue's schema registry (arn:aws:glue:us-east-1:000000000000:registry/default-registry)",
      ],
    },
  ],
  '14-parameters-without-default.yaml': [
    { refused: 'NestedFunction ({"Ref":"Topic"})', why: [unknownTopic('Topic')] },
  ],
  '15-lists-by-parameter.yaml': [['ListedFunction', 'Listed', '-', 100]],
  '16-settings-by-stage.yaml': [['StagedFunction', 'dev.staged', 'staged', 10]],
  '17-plain-cloudformation.yaml': [
    { refused: 'VolumeFunction ({"Ref":"TopicName"})', why: [unknownTopic('TopicName')] },
  ],
  '18-cdk-cluster-in-stack.json': [['CdkHandler', 'transfers', '-', 100]],
  '19-cdk-known-cluster.json': [['shopConsumer', 'shop', '-', 100]],
  '20-cdk-own-cluster.json': [['FnC7D8E9F0', 'certified', 'certified-group', 100]],
  '21-terraform-destination-made-in-plan.json': [
    ['ledger-dev', 'accounts.made', '-', 100, madeLetters],
    ['ledger-dev', 'bills.paid', '-', 100, madeLetters],
    ['ledger-dev', 'users.seen', '-', 100, madeLetters],
    {
      refused: 'ledger-dev (accounts.made, bills.paid, users.seen)',
      why: [
        "at 'topics' failed to satisfy constraint: Member must have length less than or equal to 1",
      ],
    },
  ],
  '22-terraform-function-name.json': [['reader', 'DemoWords', 'reader', 100]],
  '23-terraform-module-with-counted-function.json': [['mailer', 'mail-v1', '-', 100]],
  '24-terraform-function-for-each-key.json': [
    ['app-count', 'app.counts', '-', 100],
    ['app-print', 'app.prints', '-', 100],
  ],
};

/** Of the framework the events come first, then the resources. */
const SERVERLESS_MAPPINGS: readonly (Runs | Refused)[] = [
  ['witness-dev-stockCount', 'stock-counts', 'stock-group', 1, noDocker('provided.al2')],
  [
    'witness-dev-stockSchema',
    'stock-schemas',
    'stock-group',
    1,
    noDocker('provided.al2'),
    sharedWith('stockCount (stock-counts)'),
  ],
  ['witness-dev-reportWriter', 'report-lines', 'report-writer', 5, 'has a timeout of 900 s'],
  ['pet-consumer', 'pet_food', '-', 100, noCluster],
  ['pet-consumer', 'pet_walk', '-', 1, noCluster],
  ['witness-dev-locationEnrich', 'places.raw', '-', 1000],
  ['witness-dev-processOwn', 'process-0', '-', 100],
  ['witness-dev-processManaged', 'process-0', '-', 1000],
  ['witness-dev-moleculeReader', 'molecule-changes', '-', 100],
  ['region-reader', 'region.a.b', 'region.group', 1, 'only the last one is deployed'],
  ['witness-dev-letterReader', 'my_letters', '-', 100],
  ['witness-dev-compareSink', 'compare.sink', 'compare-group', 1000],
  [
    'witness-dev-compareStatus',
    'compare.status',
    'compare-group',
    1000,
    sharedWith('compareSink (compare.sink)'),
  ],
];

/** The part of a definition that the tables have. */
function rowOf({ name, mapping, refusals, warnings }: Definition): Runs | Refused {
  if (!mapping) return { refused: name, why: refusals.map(({ message }) => message) };
  const { functionName, topic, groupId, uuid, batchSize } = mapping;
  return [functionName, topic, groupId === uuid ? '-' : groupId, batchSize, ...warnings];
}

/** The row with its messages as parts of messages. */
function matching(row: Runs | Refused): unknown {
  const part = (text: string) => expect.stringContaining(text);
  if ('refused' in row) return { ...row, why: row.why.map(part) };
  return [...row.slice(0, 4), ...(row.slice(4) as string[]).map(part)];
}

const files = await readdir(TEMPLATES);
const ofFramework = files.filter((file) => file.endsWith('.yml'));

test('each template has a row, and names its source', async () => {
  const others = files.filter((file) => !file.endsWith('.yml'));
  expect(others.toSorted()).toEqual(Object.keys(TEMPLATE_MAPPINGS));
  for (const file of files) {
    const text = await readFile(join(TEMPLATES, file), 'utf8');
    expect(text.match(/Shape of ([\w.-]+\/[\w.-]+)/g)).toHaveLength(1);
  }
});

test.each(Object.entries(TEMPLATE_MAPPINGS))('%s', async (file, rows) => {
  const options = readOptions(BROKER);
  const place = { region: 'us-east-1', stage: 'dev', given: options };
  const service = await loadTemplate(join(TEMPLATES, file), place);
  const { definitions, notDeployed } = readDefinitions(service, options);
  expect(definitions.map(rowOf)).toEqual(rows.map(matching));
  expect(notDeployed).toEqual([]);
});

describe('the services of the Serverless Framework, as one service', () => {
  let folder: string;
  const template = async (name: string) =>
    readFile(join(folder, name, '.serverless/cloudformation-template-update-stack.json'), 'utf8');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'witness-'));
    const custom = { kafkaEventSource: BROKER };
    const all = await joined(ofFramework);
    const packed = await joined(ofFramework.filter((file) => file !== NOT_PACKED));
    const ends = await Promise.all([
      run('print', 'all', { ...all, custom, plugins: [PLUGIN, './probe.mjs'] }),
      run('package', 'with', { ...packed, custom, plugins: [PLUGIN] }),
      run('package', 'without', packed),
    ]);
    expect(ends).toEqual([0, 0, 0]);
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(command: string, name: string, service: object) {
    const place = join(folder, name);
    await mkdir(place);
    await link(place);
    await writeFile(join(place, 'serverless.json'), JSON.stringify(service));
    await writeFile(join(place, 'handler.mjs'), 'export const run = async () => undefined;\n');
    await writeFile(join(place, 'probe.mjs'), PROBE);
    const { code, stdout, stderr } = await sls([command], place);
    return code === 0 ? code : stdout + stderr;
  }

  test('have a mapping, or a refusal, for each event', async () => {
    const found = JSON.parse(await readFile(join(folder, 'all/definitions.json'), 'utf8'));
    expect(found.map(rowOf)).toEqual(SERVERLESS_MAPPINGS.map(matching));
  });

  test('are packaged as without the plugin, byte for byte', async () => {
    // The framework puts the time of the package into the names of its files.
    const time = /\d{13}-\d{4}-\d\d-\d\dT[\d:.]+Z/g;
    const [own, plain] = await Promise.all([template('with'), template('without')]);
    expect(plain).toContain('"ReportWriterEventSourceMappingKafkaReportlines"');
    expect(own.replaceAll(time, 'time')).toBe(plain.replaceAll(time, 'time'));
  });
});

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

/** One service of these files, each function with its own provider's settings. */
async function joined(names: readonly string[]): Promise<Json> {
  const services = await Promise.all(
    names.map(async (file) => parseYaml(await readFile(join(TEMPLATES, file), 'utf8')) as Source),
  );
  const functions = services.flatMap(({ provider, functions }) => {
    const { name: _, versionFunctions: __, ...settings } = provider;
    return [functions]
      .flat()
      .flatMap(Object.entries)
      .map(([key, fn]) => [key, { ...settings, ...fn }] as const);
  });
  return {
    service: 'witness',
    configValidationMode: 'error',
    // The framework writes the versions of functions in the order in which it has read their files.
    provider: { name: 'aws', region: 'us-east-1', stage: 'dev', versionFunctions: false },
    package: { patterns: ['!**', 'handler.mjs'] },
    functions: Object.fromEntries(functions),
    resources: services.reduce<unknown>((all, { resources = {} }) => merge(all, resources), {}),
  };
}

interface Source {
  readonly provider: Json;
  readonly functions: Json | readonly Json[];
  readonly resources?: Json;
}
