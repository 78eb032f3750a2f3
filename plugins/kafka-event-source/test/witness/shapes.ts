/** The templates of public projects (README.md): what is read of each, and what runs. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../json.ts';
import { ROOT } from '../support/root.ts';

export const TEMPLATES = join(ROOT, 'test/witness/templates');

/**
 * A mapping that runs: its function, topic, group (`-` for the mapping's UUID), batch size and source
 * (`own` servers, or the beginning of the ARN of an MSK cluster); then a part of each warning.
 */
export type Runs = readonly [
  functionName: string,
  topic: string,
  group: string,
  batchSize: number,
  source: string,
  ...warnings: string[],
];

/** A mapping that does not run: its name in messages, and a part of each refusal. */
export interface Refused {
  readonly refused: string;
  readonly why: readonly string[];
}

export interface Shape {
  /** The mappings without any option but the local servers. */
  readonly read: readonly (Runs | Refused)[];
  /** The options with which a user runs it, and the mappings that run so; without them those of `read`. */
  readonly user?: { readonly options: Json; readonly runs: readonly Runs[] };
  /** The values that are produced to each topic; one if they are left out. */
  readonly values?: readonly string[];
  /** The values that a function gets, if its filters leave others out. */
  readonly filtered?: Readonly<Record<string, readonly string[]>>;
  /** The JSON schema of the values, for a mapping with a schema registry. */
  readonly schema?: Json;
}

/** The beginning of the ARN that a mapping has here if only AWS knows its cluster. */
const here = (cluster: string) => `arn:aws:kafka:us-east-1:000000000000:cluster/${cluster}/`;
/** The same of a cluster whose ARN is written in the template. */
const cluster = (name: string, region = 'us-east-1') =>
  `arn:aws:kafka:${region}:111111111111:cluster/${name}/`;

const noCluster = 'is not the ARN of an Amazon MSK cluster';
const sharedWith = (name: string) => `is also the group of ${name}`;
const noDocker = (runtime: string) =>
  `serverless-offline runs no functions of ${runtime} without Docker`;
const unknownTopic = (ref: string) =>
  `Topics.0 is {"Ref":"${ref}"}, which only CloudFormation knows`;
const madeLetters = 'Only AWS knows the ARN of aws_sqs_queue.letters.arn: here it is arn:aws:sqs:';
const OK = '{"status":{"code":300}}';
const MOVED = '{"status":{"code":400}}';
const BILL = 'Bill 1';
const MEMO = 'Memo 1';

export const SHAPES: Readonly<Record<string, Shape>> = {
  '01-two-functions-one-group.yml': {
    read: [
      ['stock-dev-stockCount', 'stock-counts', 'stock-group', 1, 'own', noDocker('provided.al2')],
      [
        'stock-dev-stockSchema',
        'stock-schemas',
        'stock-group',
        1,
        'own',
        noDocker('provided.al2'),
        sharedWith('stockCount (stock-counts)'),
      ],
    ],
  },
  '02-loopback-servers-long-timeout.yml': {
    read: [
      [
        'reports-dev-reportWriter',
        'report-lines',
        'report-writer',
        5,
        'own',
        'has a timeout of 900 s',
      ],
    ],
  },
  '03-placeholder-arn.yml': {
    read: [
      ['pet-consumer', 'pet_food', '-', 100, here('arn'), noCluster],
      ['pet-consumer', 'pet_walk', '-', 1, here('arn'), noCluster],
    ],
  },
  '04-python-settings-as-text.yml': {
    read: [
      [
        'locations-dev-locationEnrich',
        'places.raw',
        '-',
        1000,
        cluster('places', 'ap-southeast-1'),
      ],
    ],
  },
  '05-many-subnets.yml': {
    read: [
      ['process-dev-processOwn', 'process-0', '-', 100, 'own'],
      ['process-dev-processManaged', 'process-0', '-', 1000, cluster('process')],
    ],
  },
  '06-servers-from-parameter-store.yml': {
    read: [
      ['compare-dev-compareSink', 'compare.sink', 'compare-group', 1000, 'own'],
      [
        'compare-dev-compareStatus',
        'compare.status',
        'compare-group',
        1000,
        'own',
        sharedWith('compareSink (compare.sink)'),
      ],
    ],
  },
  '07-defaults-only.yml': {
    read: [['molecules-dev-moleculeReader', 'molecule-changes', '-', 100, 'own']],
  },
  '08-two-clusters-one-topic.yml': {
    read: [
      ['region-reader', 'region.a.b', 'region.group', 1, 'own', 'only the last one is deployed'],
    ],
  },
  '09-local-cluster-with-secret.yml': {
    read: [['letters-dev-letterReader', 'my_letters', '-', 100, 'own']],
  },
  '10-mappings-made-at-run-time.yml': { read: [] },
  '11-filters-placeholder-stream.yaml': {
    read: [
      ['1-all', 'NoTopicGiven', '-', 100, here('NoStreamGiven'), noCluster],
      ['2-range-or-flag', 'NoTopicGiven', '-', 100, here('NoStreamGiven'), noCluster],
      ['3-plain-text', 'NoTopicGiven', '-', 100, here('NoStreamGiven'), noCluster],
      [
        '4-metadata',
        'NoTopicGiven',
        '-',
        100,
        here('NoStreamGiven'),
        'AWS documents filters on value only',
        noCluster,
      ],
    ],
    values: [OK, MOVED, BILL, MEMO],
    // A value that has not the filter's format passes. No topic begins with "!Ref Topic".
    filtered: {
      '2-range-or-flag': [OK, BILL, MEMO],
      '3-plain-text': [OK, MOVED, BILL],
      '4-metadata': [],
    },
  },
  '12-joined-arn.yaml': {
    read: [
      [
        'ContactFunction',
        'KAFKA_TOPIC',
        '-',
        10,
        'arn:aws:kafka:us-east-1:000000000000:cluster/CLUSTER_NAME/CLUSTER_ID',
        noDocker('java21'),
      ],
    ],
    // Its window is 300 s, and its batch is full with ten records.
    values: Array.from({ length: 10 }, (_, index) => `contact ${index}`),
  },
  '13-import-by-sub-and-glue.yaml': {
    read: [
      {
        refused: 'ClickFunction (clicks)',
        why: [
          "AWS Glue's schema registry (arn:aws:glue:us-east-1:000000000000:registry/default-registry)",
        ],
      },
    ],
    user: {
      options: { endpoints: { schemaRegistry: 'http://127.0.0.1:1' } },
      runs: [['ClickFunction', 'clicks', '-', 500, here('Cluster-Arn'), noDocker('java21')]],
    },
    schema: { type: 'object', properties: { witness: { type: 'integer' } } },
  },
  '14-parameters-without-default.yaml': {
    read: [{ refused: 'NestedFunction ({"Ref":"Topic"})', why: [unknownTopic('Topic')] }],
    user: {
      options: { parameters: { Cluster: `${cluster('nested')}a-1`, Topic: 'nested' } },
      runs: [['NestedFunction', 'nested', '-', 100, cluster('nested')]],
    },
  },
  '15-lists-by-parameter.yaml': { read: [['ListedFunction', 'Listed', '-', 100, 'own']] },
  '16-settings-by-stage.yaml': { read: [['StagedFunction', 'dev.staged', 'staged', 10, 'own']] },
  '17-plain-cloudformation.yaml': {
    read: [{ refused: 'VolumeFunction ({"Ref":"TopicName"})', why: [unknownTopic('TopicName')] }],
    user: {
      options: { parameters: { SourceArn: `${cluster('volumes')}a-1`, TopicName: 'volumes' } },
      runs: [['Volume', 'volumes', '-', 100, cluster('volumes'), noDocker('java21')]],
    },
  },
  '18-cdk-cluster-in-stack.json': {
    read: [['CdkHandler', 'transfers', '-', 100, here('Cluster6F2A1B3C')]],
  },
  '19-cdk-known-cluster.json': {
    read: [['shopConsumer', 'shop', '-', 100, cluster('shop', 'ap-northeast-2')]],
  },
  '20-cdk-own-cluster.json': {
    read: [['FnC7D8E9F0', 'certified', 'certified-group', 100, 'own']],
  },
  '21-terraform-destination-made-in-plan.json': {
    read: [
      ['ledger-dev', 'accounts.made', '-', 100, cluster('ledger'), madeLetters],
      ['ledger-dev', 'bills.paid', '-', 100, cluster('ledger'), madeLetters],
      ['ledger-dev', 'users.seen', '-', 100, cluster('ledger'), madeLetters],
      {
        refused: 'ledger-dev (accounts.made, bills.paid, users.seen)',
        why: [
          "at 'topics' failed to satisfy constraint: Member must have length less than or equal to 1",
        ],
      },
    ],
  },
  '22-terraform-function-name.json': {
    read: [['reader', 'DemoWords', 'reader', 100, here('shop')]],
  },
  '23-terraform-module-with-counted-function.json': {
    read: [['mailer', 'mail-v1', '-', 100, 'own']],
  },
  '24-terraform-function-for-each-key.json': {
    read: [
      ['app-count', 'app.counts', '-', 100, here('msk_arn')],
      ['app-print', 'app.prints', '-', 100, here('msk_arn')],
    ],
  },
  '25-cluster-by-import-and-reference.yml': {
    read: [
      ['exports-dev-exportReader', 'exports.known', '-', 1000, cluster('exports')],
      ['exports-dev-exportReader', 'exports.imported', '-', 100, here('ExportedCluster')],
      ['exports-dev-exportReader', 'exports.own', '-', 100, here('OwnCluster')],
    ],
  },
  '26-inside-a-vpc.yml': {
    read: [['uploads-dev-uploadLog', 'uploads.statuses', '-', 10, 'own']],
  },
  '27-from-a-time-on.yml': {
    read: [['replays-dev-replayReader', 'replays', '-', 100, 'own']],
  },
  '28-provisioned-with-metrics.yaml': {
    read: [
      ['MeteredFunction', 'metered.managed', 'metered-group', 100, cluster('metered')],
      ['MeteredFunction', 'metered.own', '-', 100, 'own'],
    ],
  },
  '29-root-certificate-and-scram.yaml': {
    read: [['AlphaFunction', 'alpha-records', 'alpha-group', 1, 'own']],
  },
  '30-bucket-for-letters.yaml': {
    read: [['GivenFunction', 'Given', 'given-group', 100, cluster('given')]],
  },
  '31-cdk-secret-by-arn.json': {
    read: [['ListenC82A1A38', 'listened.in', '-', 100, here('Cluster')]],
  },
  '32-cdk-bucket-and-pollers.json': {
    read: [
      ['Keep4E804DFF', 'kept', 'kept-group', 100, 'own'],
      ['Keep4E804DFF', 'kept-pollers', 'kept-pollers-group', 100, 'own'],
    ],
    values: ['{"witness":2}'],
  },
  '33-cdk-alias-inside-a-vpc.json': {
    read: [['InsideBA67C832', 'inside.records', '-', 100, 'own']],
  },
  '34-terraform-alias-through-modules.json': {
    read: [
      ['sales', 'returns', '-', 100, cluster('shop')],
      ['wares', 'wares', 'wares-live', 100, cluster('wares')],
      ['sales', 'sales', '-', 100, cluster('shop')],
    ],
  },
  '35-terraform-secrets-of-a-module.json': {
    read: [
      ['forward', 'forward.in', '-', 20, 'own'],
      ['forward', 'forward.more', '-', 20, 'own'],
    ],
  },
  '36-terraform-image-and-secret.json': {
    read: [
      [
        'backport',
        'backports',
        'backport-group',
        50,
        'own',
        'serverless-offline runs no container images without Docker',
      ],
    ],
  },
};

/** The files of the framework's services; the others are templates that the command reads. */
export const ofFramework = (file: string): boolean => file.endsWith('.yml');

/** The framework's package fails on `arn:*`, with the plugin and without: this service only runs on a machine. */
export const NOT_PACKED: readonly string[] = ['03-placeholder-arn.yml'];

export const isRun = (row: Runs | Refused): row is Runs => !('refused' in row);

/** The mappings that run with the user's options. */
export function runsOf({ read, user }: Shape): readonly Runs[] {
  return user?.runs ?? read.filter(isRun);
}

export const files = (): Promise<string[]> => readdir(TEMPLATES);

export const textOf = (file: string): Promise<string> => readFile(join(TEMPLATES, file), 'utf8');

/** The repository that a template names. @throws Error if it names none, or several */
export function sourceOf(file: string, text: string): string {
  const [found, ...others] = [...text.matchAll(/Shape of ([\w.-]+\/[\w.-]+)/g)];
  if (!found?.[1] || others.length > 0) throw new Error(`${file} must name one repository.`);
  return found[1];
}

/** The frontend that a template is written for. */
export function frontendOf(file: string, text: string): string {
  if (ofFramework(file)) return 'Serverless';
  const kind = /-(cdk|terraform)-/.exec(file)?.[1];
  if (kind) return kind === 'cdk' ? 'CDK' : 'Terraform';
  return text.includes('AWS::Serverless::Function') ? 'SAM' : 'CloudFormation';
}
